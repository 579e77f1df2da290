"""Train a small network on the built-in digits: the whole program, a few seconds long."""

import minidl
from minidl import nn
from minidl.data import DataLoader, split_digits

minidl.manual_seed(0)
train, test = split_digits()  # a fifth is held out
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = minidl.optim.Adam(model.parameters(), lr=0.01)
loss_of = nn.CrossEntropyLoss()

for _ in range(40):
    for images, labels in DataLoader(train, batch_size=64, shuffle=True):
        optimizer.zero_grad()
        loss_of(model(images), labels).backward()
        optimizer.step()

with minidl.no_grad():
    images, labels = next(iter(DataLoader(test, batch_size=len(test))))
    accuracy = (model(images).argmax(1) == labels).float().mean().item()
print(f"{accuracy:.1%} of the held-out digits are right")
