"""The recipe as code to take away: taut, PyTorch, Keras. Each reads the table, trains one network, predicts.

Somebody pastes it and runs it, and the facts may come from a file that somebody else wrote. So what stands in
the code is ours, or a literal that is made here: the ``repr`` of a text or a number, or of what was parsed
(the recipe, the classes' weights, the seed). No text of the facts is code.
"""

from __future__ import annotations

from collections.abc import Callable

from taut.errors import ParameterError
from taut.recipe import Recipe
from taut.report import class_weight
from taut.report.code_table import features_code, new_code, read_code
from taut.report.schema import Facts
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping, InputNoise, LabelSmoothing, MaxNorm

#: The techniques that the code for PyTorch and Keras has.
_WRITTEN = frozenset({L1, L2, MaxNorm, Dropout, BatchNorm, InputNoise, LabelSmoothing, EarlyStopping})
_HELD_OUT = 15  # per cent, as TautClassifier has it
_MOST_DIGITS = 20  # of a seed
_TORCH = {"relu": "nn.ReLU", "silu": "nn.SiLU", "gelu": "nn.GELU"}


def taut_code(facts: Facts) -> str:
    """Give Python that trains one network of the recipe with taut."""
    recipe = facts["recipe"]
    kind = "TautClassifier" if _classes(facts) else "TautRegressor"
    names = sorted({type(technique).__name__ for technique in _recipe(facts).techniques} | {"Recipe", kind})
    weight = class_weight.parsed(recipe["class_weight"]) if _classes(facts) else None
    arguments = [
        f"hidden={tuple(recipe['hidden'] or ())!r}",
        f"recipe={_recipe(facts)!r}",
        f"activation={recipe['activation']!r}",
        f"learning_rate={recipe['learning_rate']!r}",
        f"batch_size={recipe['batch_size']!r}",
        f"max_epochs={recipe['max_epochs']!r}",
        *([f"class_weight={weight!r}"] if weight else []),
        f"random_state={_seed(facts)}",
    ]
    return "\n".join(
        [
            "import taut",
            f"from taut import {', '.join(names)}",
            "",
            read_code(facts),
            "",
            f"model = {kind}(",
            *(f"    {argument}," for argument in arguments),
            ").fit(X, y)",
            "loss = model.history_['validation_loss'][model.best_epoch_ - 1]",
            "print(f'epoch {model.best_epoch_}, validation loss {loss:.4g}')",
            "print(model.predict(X)[:5])",
            "",
        ]
    )


def loading_code(facts: Facts) -> str:
    """Give Python that loads the saved model and predicts."""
    folder = facts["source"]["folder"] or "model"
    return f"import taut\n\nmodel = taut.load({folder!r})\n{new_code(facts)}\nprint(model.predict(X))\n"


def torch_code(facts: Facts) -> str:
    """Give Python that trains one network of the recipe with PyTorch, on the same features.

    Raises
    ------
    ParameterError
        Where it has no form of one of the techniques.
    """
    knobs = _Knobs(facts, "PyTorch")
    imports = ["copy"] if knobs.early else []
    return _joined(
        "\n".join(f"import {name}" for name in imports),
        "import numpy as np\nimport taut\nimport torch\nfrom taut.table import Encoder, describe, matrix\n"
        "from torch import nn",
        knobs.constants(),
        features_code(facts, _HELD_OUT if knobs.early else 0),
        _torch_data(_classes(facts), knobs.weighted),
        _torch_smoothed(knobs),
        _torch_network(facts, knobs),
        _torch_training(knobs, _classes(facts)),
        _torch_end(knobs, _classes(facts)),
    )


def keras_code(facts: Facts) -> str:
    """Give Python that trains one network of the recipe with Keras 3, on the same features.

    Raises
    ------
    ParameterError
        Where it has no form of one of the techniques.
    """
    knobs = _Knobs(facts, "Keras")
    classes = _classes(facts)
    layers = ["keras.Input((features.shape[1],))"]
    if knobs.input_noise:
        layers.append("keras.layers.GaussianNoise(INPUT_NOISE)")
    if knobs.input_drop:
        layers.append("keras.layers.Dropout(INPUT_DROPOUT)")
    for units in facts["recipe"]["hidden"] or ():
        bound = ", kernel_constraint=keras.constraints.MaxNorm(1.0 / MAX_NORM)" if knobs.max_norm else ""
        layers.append(f"keras.layers.Dense({units!r}{bound}, **initial)")
        if knobs.normalize:
            layers.append("keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)")
        layers.append(f"keras.layers.Activation({facts['recipe']['activation']!r})")
        if knobs.drop:
            layers.append("keras.layers.Dropout(DROPOUT)")
    layers.append(f"keras.layers.Dense({'len(classes)' if classes else 1}, **initial)")
    loss = (
        "keras.losses.SparseCategoricalCrossentropy(from_logits=True)" if classes else '"mean_squared_error"'
    )
    plain = ""
    if knobs.smoothing:  # networks are compared by the plain loss
        loss, plain = (
            "smoothed",
            f', weighted_metrics=[{loss.replace("losses", "metrics")[:-1]}, name="plain")]',
        )
    optimizer = (
        "# The learning rate rises over the first steps.\n"
        "rate = keras.optimizers.schedules.PolynomialDecay(LEARNING_RATE / WARM_UP, WARM_UP, LEARNING_RATE)\n"
    )
    if knobs.l2:
        optimizer += (
            "optimizer = keras.optimizers.AdamW(rate, weight_decay=L2, epsilon=1e-8)\n"
            'optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])'
        )
    else:
        optimizer += "optimizer = keras.optimizers.Adam(rate, epsilon=1e-8)"
    return _joined(
        "import keras\nimport numpy as np\nimport taut\nfrom taut.table import Encoder, describe, matrix",
        knobs.constants(),
        features_code(facts, _HELD_OUT if knobs.early else 0),
        'keras.utils.set_random_seed(SEED)\ninitial = {"kernel_initializer": "glorot_normal"}\n'
        "net = keras.Sequential(\n    [\n"
        + "".join(f"        {layer},\n" for layer in layers)
        + "    ]\n)\n"
        + optimizer
        + (f"\n\n\n{_KERAS_SMOOTHED}\n\n" if knobs.smoothing else "")
        + f"\nnet.compile(optimizer, loss={loss}{plain})",
        _KERAS_L1 if knobs.l1 else "",
        _keras_fit(knobs),
        _keras_end(classes),
    )


def code_or_why_not(write: Callable[[Facts], str], facts: Facts) -> str:
    """Give the code that ``write`` writes, or as a comment why there is none."""
    try:
        return write(facts)
    except ParameterError as why:
        return f"# {why}\n"


# --- PyTorch ------------------------------------------------------------------------------------------------


def _torch_data(classes: bool, weighted: bool) -> str:
    kind = "torch.long" if classes else "torch.float32"
    lines = [
        "torch.manual_seed(SEED)",
        "X = torch.tensor(features, dtype=torch.float32)",
        f"y = torch.tensor(target, dtype={kind})",
    ]
    if classes and weighted:
        lines.append("loss_of = nn.CrossEntropyLoss(weight=torch.tensor(class_weight, dtype=torch.float32))")
    elif classes:
        lines.append("loss_of = nn.CrossEntropyLoss()")
    else:
        lines.append("loss_of = nn.MSELoss()")
    return "\n".join(lines)


def _torch_smoothed(knobs: _Knobs) -> str:
    """The loss that is trained on, where it is not the one that networks are compared by."""
    if not knobs.smoothing:
        return ""
    each = "nn.functional.cross_entropy(output, y, label_smoothing=LABEL_SMOOTHING"
    if not knobs.weighted:
        return f"def smoothed(output, y):\n    return {each})"
    return (
        "def smoothed(output, y):\n"
        "    weight = loss_of.weight[y]  # of the rows, by their own classes\n"
        f'    return (weight * {each}, reduction="none")).sum() / weight.sum()'
    )


_TORCH_NOISE = (
    "class Noise(nn.Module):",
    "    def forward(self, x):  # in training alone",
    "        return x + INPUT_NOISE * torch.randn_like(x) if self.training else x",
    "",
)


def _torch_network(facts: Facts, knobs: _Knobs) -> str:
    activation = _TORCH[facts["recipe"]["activation"] or "relu"]
    lines = [*_TORCH_NOISE, ""] if knobs.input_noise else []
    lines += ["layers, width = [], X.shape[1]"]
    if knobs.input_noise:
        lines.append("layers.append(Noise())")
    if knobs.input_drop:
        lines.append("layers.append(nn.Dropout(INPUT_DROPOUT))")
    lines.append(f"for units in {tuple(facts['recipe']['hidden'] or ())!r}:")
    inside = ["nn.Linear(width, units)"]
    inside += ["nn.BatchNorm1d(units)"] if knobs.normalize else []
    inside += [f"{activation}()"] + (["nn.Dropout(DROPOUT)"] if knobs.drop else [])
    lines += [f"    layers += [{', '.join(inside)}]", "    width = units"]
    lines += [
        f"net = nn.Sequential(*layers, nn.Linear(width, {'len(classes)' if knobs.classes else 1}))",
        "dense = [layer for layer in net if isinstance(layer, nn.Linear)]",
        "weights = [layer.weight for layer in dense]",
        "for layer in dense:",
        "    nn.init.xavier_normal_(layer.weight)",
        "    nn.init.zeros_(layer.bias)",
        "",
    ]
    if knobs.l2:
        lines += [
            "# L2 on the weights alone, decoupled from the gradient: biases and batch norm go free.",
            "others = [p for p in net.parameters() if all(p is not w for w in weights)]",
            'groups = [{"params": weights, "weight_decay": L2}, {"params": others, "weight_decay": 0.0}]',
            "optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE)",
        ]
    else:
        lines.append("optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)")
    lines.append(
        "warm_up = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / WARM_UP))"
    )
    return "\n".join(lines)


def _torch_training(knobs: _Knobs, classes: bool) -> str:
    output = "net(X[rows])" if classes else "net(X[rows]).squeeze(1)"
    step = [
        "for epoch in range(1, EPOCHS + 1):",
        "    net.train()",
        "    batches = list(torch.tensor(train)[torch.randperm(len(train))].split(BATCH))",
        "    if len(batches) > 1 and len(batches[-1]) == 1:  # a single row has no spread",
        "        batches[-2:] = [torch.cat(batches[-2:])]",
        "    for rows in batches:",
        "        optimizer.zero_grad()",
        f"        {'smoothed' if knobs.smoothing else 'loss_of'}({output}, y[rows]).backward()",
    ]
    if knobs.l1:
        step += [
            '        rate = optimizer.param_groups[0]["lr"]',
            "        optimizer.step()",
            "        with torch.no_grad():  # L1 as a proximal step: zeros are exact",
            "            for w in weights:",
            "                w.copy_(w.sign() * (w.abs() - rate * L1).clamp(min=0.0))",
        ]
    else:
        step.append("        optimizer.step()")
    if knobs.max_norm:
        step += [
            "        with torch.no_grad():  # max norm: of each hidden unit's incoming weights",
            "            for w in weights[:-1]:",
            "                w /= (MAX_NORM * w.norm(dim=1, keepdim=True)).clamp(min=1.0)",
        ]
    step.append("        warm_up.step()")
    if not knobs.early:
        return "\n".join(step)
    return "\n".join(
        [
            "best, best_epoch, kept = float('inf'), 0, None",
            *step,
            "    net.eval()",
            "    with torch.no_grad():",
            "        rows = torch.tensor(held_out)",
            f"        loss = loss_of({output}, y[rows]).item()" + ("" if classes else " * unit**2"),
            f"    if loss < best{' - MIN_DELTA' if knobs.min_delta else ''}:",
            "        best, best_epoch, kept = loss, epoch, copy.deepcopy(net.state_dict())",
            "    if epoch - best_epoch >= PATIENCE:",
            "        break",
            "net.load_state_dict(kept)  # early stopping goes back to its best epoch",
        ]
    )


def _torch_end(knobs: _Knobs, classes: bool) -> str:
    said = "print(f'epoch {best_epoch}, validation loss {best:.4g}')\n" if knobs.early else ""
    predicted = (
        "classes[output.argmax(1).numpy()]" if classes else "output.squeeze(1).numpy() * unit + middle"
    )
    return (
        f"{said}net.eval()\nwith torch.no_grad():\n    output = net(X)\n"
        f"prediction = {predicted}\nprint(prediction[:5])"
    )


# --- Keras --------------------------------------------------------------------------------------------------

_KERAS_L1 = '''\
class SoftThreshold(keras.callbacks.Callback):
    """L1 as a proximal step after each step of the optimizer: zeros are exact."""

    def on_train_batch_end(self, batch, logs=None):
        amount = L1 * float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dense):
                w = layer.kernel
                w.assign(keras.ops.sign(w) * keras.ops.maximum(keras.ops.abs(w) - amount, 0.0))'''


_KERAS_SMOOTHED = '''\
def smoothed(y, output):
    """The loss that is trained on: each class is likely, and none is certain."""
    y = keras.ops.one_hot(keras.ops.cast(keras.ops.reshape(y, (-1,)), "int32"), len(classes))
    y = y * (1.0 - LABEL_SMOOTHING) + LABEL_SMOOTHING / len(classes)
    return keras.losses.categorical_crossentropy(y, output, from_logits=True)'''


def _keras_fit(knobs: _Knobs) -> str:
    lines = ["callbacks = [SoftThreshold()]" if knobs.l1 else "callbacks = []"]
    if knobs.early:
        delta = ", min_delta=MIN_DELTA / unit**2" if knobs.min_delta and not knobs.classes else ""
        delta = ", min_delta=MIN_DELTA" if knobs.min_delta and knobs.classes else delta
        plain = ', monitor="val_plain", mode="min"' if knobs.smoothing else ""
        lines += [
            "callbacks.append(",
            f"    keras.callbacks.EarlyStopping(patience=PATIENCE{delta}{plain}, restore_best_weights=True)",
            ")",
        ]
    arguments = ["features[train]", "target[train]", "batch_size=BATCH", "epochs=EPOCHS"]
    weights = ", class_weight[target[held_out]]" if knobs.weighted else ""
    arguments += [f"validation_data=(features[held_out], target[held_out]{weights})"] if knobs.early else []
    arguments += ["class_weight=dict(enumerate(class_weight))"] if knobs.weighted else []
    arguments += ["callbacks=callbacks", "verbose=2"]
    return "\n".join([*lines, "net.fit(", *(f"    {one}," for one in arguments), ")"])


def _keras_end(classes: bool) -> str:
    predicted = "classes[output.argmax(axis=1)]" if classes else "output[:, 0] * unit + middle"
    return f"output = net.predict(features, verbose=0)\nprediction = {predicted}\nprint(prediction[:5])"


# --- both ---------------------------------------------------------------------------------------------------


class _Knobs:
    """The recipe as constants of a script; those that are off are not in it."""

    def __init__(self, facts: Facts, framework: str) -> None:
        recipe = facts["recipe"]
        on = {type(technique): technique for technique in _recipe(facts).active}
        for kind in on:
            if kind not in _WRITTEN:
                raise ParameterError(
                    f"There is no {framework} code for this recipe: {kind.page.title} has no form in it that "
                    "taut can write, and the same network without it would be another one."
                )
        hooks = _recipe(facts).hooks()
        self.classes = _classes(facts)
        self.l1 = on[L1].strength if L1 in on else 0.0
        self.l2 = on[L2].strength if L2 in on else 0.0
        self.max_norm = on[MaxNorm].strength if MaxNorm in on else 0.0
        self.drop, self.input_drop = (hooks.drop, hooks.input_drop) if Dropout in on else (0.0, 0.0)
        self.input_noise = hooks.input_noise
        self.normalize = BatchNorm in on
        self.early = EarlyStopping in on
        self.min_delta = hooks.min_delta
        self.smoothing = hooks.smoothing if self.classes else 0.0
        self.weighted = self.classes and class_weight.parsed(recipe["class_weight"]) is not None
        self._values = [
            ("SEED", 0),
            ("LEARNING_RATE", recipe["learning_rate"]),
            ("BATCH", recipe["batch_size"]),
            ("EPOCHS", recipe["max_epochs"]),
            ("L1", self.l1),
            ("L2", self.l2),
            ("MAX_NORM", self.max_norm),
            ("DROPOUT", self.drop),
            ("INPUT_NOISE", self.input_noise),
            ("INPUT_DROPOUT", self.input_drop),
            ("PATIENCE", hooks.patience or 0),
            ("MIN_DELTA", self.min_delta),
            ("LABEL_SMOOTHING", self.smoothing),
        ]

    def constants(self) -> str:
        kept = [(name, value) for name, value in self._values if value or name == "SEED"]
        return "\n".join(f"{name} = {value!r}" for name, value in kept)


def _joined(*parts: str) -> str:
    text = "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
    return text.replace("\n\nimport numpy", "\nimport numpy", 1) if text.startswith("import copy") else text


def _recipe(facts: Facts) -> Recipe:
    return Recipe.from_json(facts["recipe"]["techniques"])


def _seed(facts: Facts) -> int:
    """A whole number of numpy's; 0 stands for all else that a seed may be."""
    seed = facts["made"]["seed"] or ""
    return int(seed) if seed.isascii() and seed.isdecimal() and len(seed) < _MOST_DIGITS else 0


def _classes(facts: Facts) -> bool:
    return facts["task"] == "classification"
