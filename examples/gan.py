"""A training step of your own, written once for all backends: a generator and a discriminator, each with its optimizer.

The generator turns noise into points of the plane; the discriminator learns to tell them from points of a ring; the generator
learns to deceive it. I. Goodfellow and others, "Generative Adversarial Nets", NeurIPS 2014.

Run it with `python examples/gan.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/gan.py`.
"""

import numpy as np

import cornu
from cornu import layers, ops

NOISE = 8


class GAN(cornu.Model):
    """Two networks, trained against each other; calling it on noise gives points."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.generator = cornu.Sequential([cornu.Input((NOISE,)), layers.Dense(32, activation="relu"), layers.Dense(2)])
        self.discriminator = cornu.Sequential([cornu.Input((2,)), layers.Dense(32, activation="leaky_relu"), layers.Dense(1)])
        self.noise = cornu.random.SeedGenerator(0)

    def compile(self, generator_optimizer, discriminator_optimizer):
        super().compile(optimizer=generator_optimizer)
        self.discriminator_optimizer = cornu.optimizers.get(discriminator_optimizer)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.optimizer.build(self.generator.trainable_variables)

    def call(self, noise):
        return self.generator(noise)

    def train_step(self, real):
        loss = cornu.losses.BinaryCrossentropy(from_logits=True)
        rows = real.shape[0]
        noise = cornu.random.normal((rows, NOISE), seed=self.noise)

        def discriminate():
            logits = self.discriminator(ops.concatenate([real, self.generator(noise)], axis=0))
            return loss(ops.concatenate([ops.ones((rows, 1)), ops.zeros((rows, 1))], axis=0), logits), None

        def deceive():
            return loss(ops.ones((rows, 1)), self.discriminator(self.generator(noise))), None

        (d_loss, _), gradients = cornu.value_and_grad(discriminate, self.discriminator.trainable_variables)
        self.discriminator_optimizer.apply(gradients, self.discriminator.trainable_variables)
        (g_loss, _), gradients = cornu.value_and_grad(deceive, self.generator.trainable_variables)
        self.optimizer.apply(gradients, self.generator.trainable_variables)
        return {"d_loss": d_loss, "g_loss": g_loss}


def ring(rows, seed=0):
    """Points at a distance of about 2 from the origin."""
    rng = np.random.default_rng(seed)
    angle, radius = rng.uniform(0, 2 * np.pi, rows), rng.normal(2.0, 0.1, rows)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).astype("float32")


def main(rows=2048, epochs=60):
    cornu.utils.set_random_seed(0)
    model = GAN()
    model.compile(cornu.optimizers.Adam(2e-3, beta_1=0.5), cornu.optimizers.Adam(2e-3, beta_1=0.5))
    history = model.fit(ring(rows), batch_size=128, epochs=epochs, verbose=0).history
    points = model.predict(np.random.default_rng(1).standard_normal((1000, NOISE)).astype("float32"), verbose=0)
    distances = np.linalg.norm(points, axis=-1)
    print(f"losses at the end: discriminator {history['d_loss'][-1]:.3f}, generator {history['g_loss'][-1]:.3f}")
    print(
        f"distance from the origin: {distances.mean():.2f} on average, within {np.percentile(distances, 5):.2f} and {np.percentile(distances, 95):.2f}"
    )
    return model, history, points


if __name__ == "__main__":
    main()
