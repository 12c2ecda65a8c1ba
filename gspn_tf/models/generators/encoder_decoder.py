"""The plain design that Table 5 compares with: no distribution over codes."""

from gspn_tf.config import GSPNConfig
from gspn_tf.models.generators.decoding import ShapeGenerator
from gspn_tf.nn.layers import SharedMLP, dense


class EncoderDecoder(ShapeGenerator):
    """A code of the context, and its shape (section 4.4).

    As wide as the conditional VAE, with which it shares arguments, inputs and outputs;
    of the objects it sees nothing, and the decoder sees the code alone.
    """

    def __init__(self, config: GSPNConfig, context: int, conditioned: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        c = config
        self.encoder = SharedMLP(c.prior_units, (conditioned,), c.flat_variance)
        self.code = dense(c.latent_size, c.prior_units[-1])
        self.add_decoder(c, c.latent_size)
        self.built = True

    def call(self, context, conditioned, instance=None, targets=None, training=False):
        code = self.code(self.encoder(conditioned, training=training))
        shapes, confidence = self.decode(code, training)
        return {"shapes": shapes, "confidence": confidence}
