"""The plain design that Table 5 compares with: no distribution over codes."""

from gspn_tf.config import GSPNConfig
from gspn_tf.models.conditioning import SeedFeatures, conditioned, conditioned_width
from gspn_tf.models.generators.decoding import GeneratedShapes, ShapeGenerator
from gspn_tf.nn.layers import SharedMLP, dense
from gspn_tf.types import Targets


class EncoderDecoder(ShapeGenerator):
    """A code of the context, and its shape (section 4.4).

    It is as wide as the conditional VAE; it sees nothing of the objects, and the
    decoder sees the code alone.
    """

    def __init__(self, config: GSPNConfig, context: int) -> None:
        super().__init__(config)
        c, channels = config, conditioned_width(config, context)
        self.encoder = SharedMLP(c.prior_units, (channels,))
        self.code = dense(c.latent_size, c.prior_units[-1])
        self.add_decoder(c.latent_size)

    def call(
        self,
        seeds: SeedFeatures,
        targets: Targets | None = None,
        training: bool = False,
    ) -> GeneratedShapes:
        seen = conditioned(self.config, seeds.context, seeds.semantics)
        code = self.code(self.encoder(seen, training=training))
        return GeneratedShapes(*self.decode(code, training))
