"""Models written once for both libraries, as `model(nn)`, and inputs for them: what people save and load."""

from __future__ import annotations

import numpy as np

from .configurations.embedding import as_tensor

draw = np.random.default_rng(0)


def images(n=3, c=3, size=8):
    return draw.normal(size=(n, c, size, size))


def features(*shape):
    return draw.normal(size=shape)


def tokens(*shape):
    return draw.integers(1, 11, size=shape)


def mlp(nn):
    return nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.LayerNorm(7), nn.Dropout(0.0), nn.Linear(7, 3))


def convolutional(nn):
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, stride=2, groups=2),
        nn.BatchNorm2d(8, momentum=None),
        nn.Flatten(),
        nn.Linear(8, 4),
    )


def residual(nn):
    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(i, o, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(o)
            self.relu = nn.ReLU()
            self.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(o)
            self.downsample = None
            if stride != 1 or i != o:
                self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

        def forward(self, x):
            y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
            return self.relu(y + (x if self.downsample is None else self.downsample(x)))

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer1 = nn.Sequential(Block(3, 4, 1), Block(4, 4, 1))
            self.layer2 = nn.Sequential(Block(4, 6, 2), Block(6, 6, 1))
            self.avgpool = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(6, 5)

        def forward(self, x):
            return self.fc(self.avgpool(self.layer2(self.layer1(x))).flatten(1))

    return ResNet()


def lstm_text(nn):
    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(12, 4, padding_idx=0)
            self.rnn = nn.LSTM(4, 5, num_layers=2, batch_first=True, bidirectional=True)
            self.head = nn.Linear(10, 3)

        def forward(self, i):
            y, (_, c) = self.rnn(self.embed(i))
            return self.head(y[:, -1]), c

    return Text()


def gru(nn):
    class Sequence(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(4, 5, num_layers=2)
            self.rnn = nn.RNN(5, 3, nonlinearity="relu", bias=False)

        def forward(self, x):
            y, h = self.gru(x)
            return self.rnn(y)[0], h

    return Sequence()


def cells(nn):
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.gru = nn.LSTMCell(4, 5), nn.GRUCell(5, 3)

        def forward(self, x):
            state, h = None, None
            for step in x:
                state = self.lstm(step, state)
                h = self.gru(state[0], h)
            return h

    return Loop()


def transformer_encoder(nn):
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.position = nn.Embedding(12, 8), nn.Parameter(as_tensor(nn, 0.1 * np.ones((6, 8))))
            layer = nn.TransformerEncoderLayer(
                8, 2, 16, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            self.encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8), enable_nested_tensor=False)

        def forward(self, i):
            mask = as_tensor(nn, np.triu(np.ones((6, 6), bool), 1))
            return self.encoder(self.embed(i) + self.position, mask=mask, is_causal=True)

    return Encoder()


def transformer(nn):
    return nn.Transformer(8, 2, 1, 2, dim_feedforward=12, dropout=0.0)


def attention(nn):
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.attend = nn.MultiheadAttention(6, 3, kdim=4, vdim=5, add_bias_kv=True, batch_first=True)

        def forward(self, q, k, v):
            return self.attend(q, k, v)

    return Reader()


def autoencoder(nn):
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        nn.PReLU(4),
        nn.Conv2d(4, 6, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1),
        nn.BatchNorm2d(4),
        nn.ConvTranspose2d(4, 3, 2, stride=2, bias=False),
        nn.Sigmoid(),
    )


def norms(nn):
    return nn.Sequential(
        nn.Conv2d(3, 6, 3),
        nn.GroupNorm(3, 6),
        nn.SiLU(),
        nn.LocalResponseNorm(3),
        nn.InstanceNorm2d(6, affine=True, track_running_stats=True),
        nn.RMSNorm(6),
        nn.Flatten(),
        nn.Linear(216, 4, bias=False),
        nn.RMSNorm(4, eps=1e-3, elementwise_affine=False),
    )


def bags(nn):
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.EmbeddingBag(12, 5, mode="mean", padding_idx=3)
            self.weighted = nn.EmbeddingBag(12, 5, mode="sum")
            self.largest = nn.EmbeddingBag(12, 5, mode="max")
            self.fc = nn.Linear(15, 3)

        def forward(self, i, weights):
            flat, offsets = i.reshape(-1), as_tensor(nn, np.array([0, 5, 5, 9]))
            parts = self.words(flat, offsets), self.weighted(i, per_sample_weights=weights), self.largest(i)
            return self.fc(cat(nn, parts))

    return Classifier()


def weight_normed(nn):
    weight_norm, spectral_norm = nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm
    return nn.Sequential(
        weight_norm(nn.Conv2d(3, 4, 3)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv2d(4, 6, 3, stride=2)),
        nn.Flatten(),
        weight_norm(nn.Linear(24, 4), dim=None),
        spectral_norm(nn.Linear(4, 4, bias=False)),
    )


def weight_normed_of_old(nn):
    return nn.Sequential(nn.utils.weight_norm(nn.Linear(5, 6)), nn.Tanh(), nn.utils.spectral_norm(nn.Linear(6, 3)))


def held(nn):
    """Layers and parameters in lists and dictionaries."""

    class Mixture(nn.Module):
        def __init__(self):
            super().__init__()
            self.experts = nn.ModuleDict({name: nn.Linear(5, 3) for name in ("one", "two")})
            self.rows = nn.ModuleList([nn.Linear(3, 3), nn.Identity(), nn.Bilinear(3, 3, 3)])
            self.scales = nn.ParameterList([as_tensor(nn, np.ones(3)), as_tensor(nn, np.ones(()))])
            self.gates = nn.ParameterDict({"one": as_tensor(nn, np.ones(3)), "two": as_tensor(nn, -np.ones(3))})

        def forward(self, x):
            y = sum(self.experts[name](x) * self.gates[name] for name in self.experts)
            y = self.rows[0](y) * self.scales[0]
            return self.rows[2](y, self.rows[1](y)) * self.scales[1]

    return Mixture()


def sequence_of_convolutions(nn):
    return nn.Sequential(
        nn.Conv1d(4, 6, 3, dilation=2),
        nn.BatchNorm1d(6),
        nn.ELU(),
        nn.AdaptiveAvgPool1d(3),
        nn.Flatten(),
        nn.Linear(18, 2),
    )


def cat(nn, parts):
    if nn.__name__ == "torch.nn":
        import torch

        return torch.cat(parts, 1)
    import minidl

    return minidl.cat(parts, 1)


MODELS = {
    mlp: [features(4, 5)],
    convolutional: [images()],
    residual: [images()],
    lstm_text: [tokens(3, 4)],
    gru: [features(4, 2, 4)],
    cells: [features(3, 2, 4)],
    transformer_encoder: [tokens(2, 6)],
    transformer: [features(5, 2, 8), features(4, 2, 8)],
    attention: [features(2, 3, 6), features(2, 4, 4), features(2, 4, 5)],
    autoencoder: [images()],
    norms: [images()],
    bags: [tokens(4, 3), features(4, 3)],
    weight_normed: [images()],
    weight_normed_of_old: [features(4, 5)],
    held: [features(4, 5)],
    sequence_of_convolutions: [features(3, 4, 9)],
}
