"""The peers of the accounting benchmark behind one interface: ε of a composition, calibration, ε after each round, a whole process.

A case is (components, delta); a component is (rate, noise multiplier, rounds). Every method returns ε (or the noise multiplier); the
upper end where a peer gives an interval. A method that a peer lacks is absent.
"""

import importlib
import importlib.util
import os
import sys
import sysconfig
import types


class GoogleRDP:
    name = "dp_accounting RDP"
    module = "rdp"

    def __init__(self):
        import dp_accounting
        from dp_accounting import pld, rdp

        self.dp = dp_accounting
        self.accountant = {"rdp": rdp.RdpAccountant, "pld": pld.PLDAccountant}[self.module]

    def event(self, rate, noise_multiplier):
        return self.dp.PoissonSampledDpEvent(rate, self.dp.GaussianDpEvent(noise_multiplier))

    def epsilon(self, components, delta):
        accountant = self.accountant()
        for rate, noise_multiplier, rounds in components:
            accountant.compose(self.event(rate, noise_multiplier), rounds)
        return accountant.get_epsilon(delta)

    def calibrate(self, rate, rounds, target, delta):
        return self.dp.calibrate_dp_mechanism(
            self.accountant, lambda noise: self.dp.SelfComposedDpEvent(self.event(rate, noise), rounds), target, delta)

    def curve(self, rate, noise_multiplier, rounds, delta):
        accountant = self.accountant()
        for _ in range(rounds):
            last = accountant.compose(self.event(rate, noise_multiplier)).get_epsilon(delta)
        return last


class GooglePLD(GoogleRDP):
    name = "dp_accounting PLD"
    module = "pld"


def opacus_accountants():
    """The accountants of Opacus. Without PyTorch, which they use for the type of an optimiser only, they are loaded on their own."""
    try:
        import torch  # noqa: F401
    except ImportError:
        if "opacus" in sys.modules:
            return sys.modules["opacus.accountants"]
        if importlib.util.find_spec("opacus") is None:
            raise
        whole, optimizers = types.ModuleType("opacus"), types.ModuleType("opacus.optimizers")
        whole.__path__ = [os.path.join(path, "opacus") for path in sys.path if os.path.isdir(os.path.join(path, "opacus"))]
        optimizers.DPOptimizer = object
        sys.modules.update({"opacus": whole, "opacus.optimizers": optimizers})
    return importlib.import_module("opacus.accountants")


class OpacusRDP:
    name = "Opacus RDP"
    kind = "rdp"

    def __init__(self):
        accountants = opacus_accountants()
        self.accountant = {"rdp": accountants.RDPAccountant, "prv": accountants.PRVAccountant}[self.kind]

    def epsilon(self, components, delta):
        accountant = self.accountant()
        accountant.history = [(noise_multiplier, rate, rounds) for rate, noise_multiplier, rounds in components]
        return accountant.get_epsilon(delta)

    def calibrate(self, rate, rounds, target, delta):
        from opacus.accountants.utils import get_noise_multiplier

        return get_noise_multiplier(target_epsilon=target, target_delta=delta, sample_rate=rate, steps=rounds, accountant=self.kind)

    def curve(self, rate, noise_multiplier, rounds, delta):
        accountant = self.accountant()
        for _ in range(rounds):
            accountant.step(noise_multiplier=noise_multiplier, sample_rate=rate)
            last = accountant.get_epsilon(delta)
        return last


class OpacusPRV(OpacusRDP):
    name = "Opacus PRV"
    kind = "prv"


class MicrosoftPRV:
    """Error of ε set to 0.01, as in the examples of its authors."""

    name = "prv_accountant"

    def __init__(self):
        import prv_accountant

        self.prv = prv_accountant

    def accountant(self, components, delta):
        mechanisms = [
            self.prv.PoissonSubsampledGaussianMechanism(sampling_probability=rate, noise_multiplier=noise) for rate, noise, _ in components]
        return self.prv.PRVAccountant(
            prvs=mechanisms, max_self_compositions=[rounds for _, _, rounds in components], eps_error=0.01, delta_error=delta * 1e-3)

    def epsilon(self, components, delta):
        return self.accountant(components, delta).compute_epsilon(delta, [rounds for _, _, rounds in components])[2]

    def curve(self, rate, noise_multiplier, rounds, delta):
        accountant = self.accountant([(rate, noise_multiplier, rounds)], delta)
        return [accountant.compute_epsilon(delta, [count]) for count in range(1, rounds + 1)][-1][2]


class Opake:
    """The compiled part, loaded on its own: its Python layer does not import on every Python that the package installs on."""

    name = "opake"

    def __init__(self):
        folder = os.path.join(sysconfig.get_paths()["purelib"], "opake", "api", "accounting", "core")
        spec = importlib.util.spec_from_file_location("opake_accounting", os.path.join(folder, "opake_accounting.abi3.so"))
        self.opake = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.opake)
        self.config = self.opake.DiscretizationConfig()

    def round(self, rate, noise_multiplier):
        base = self.opake.gaussian_pld(noise_multiplier, self.config)
        return base if rate == 1 else self.opake.poisson_pld(base, rate)

    def epsilon(self, components, delta):
        whole = None
        for rate, noise_multiplier, rounds in components:
            part = self.round(rate, noise_multiplier).self_compose(rounds)
            whole = part if whole is None else whole.compose(part)
        return whole.epsilon_at(delta)

    def curve(self, rate, noise_multiplier, rounds, delta):
        single = self.round(rate, noise_multiplier)
        return [single.self_compose(count).epsilon_at(delta) for count in range(1, rounds + 1)][-1]


PEERS = [GooglePLD, GoogleRDP, OpacusPRV, OpacusRDP, MicrosoftPRV, Opake]
