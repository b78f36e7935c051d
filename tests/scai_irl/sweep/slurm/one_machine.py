"""A private Slurm on this machine: munged, slurmctld and two slurmd, which end afterwards."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scai_irl.backends.vllm.guard import guarded

DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch")
SECOND = "localhost"
"""Name of the second node; the first has this machine's."""

_SYSTEM = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
_START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
GresTypes=gpu
ReturnToService=2
KillWait=5
SchedulerParameters=sched_interval=2,bf_interval=2
FirstJobId={first}
NodeName={host} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 Gres=gpu:{gpus}
NodeName={second} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 Gres=gpu:{gpus}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=one Nodes={host} Default=YES State=UP
PartitionName=two Nodes={host},{second} State=UP
PartitionName=urgent Nodes={host} PriorityTier=10 State=UP
"""
_AS_GPUS = ("full", "null", "random", "urandom", "zero")  # devices that every machine has
GPUS = len(_AS_GPUS)
"""Fake GPUs of each node, which Slurm allocates to jobs."""


@dataclass(frozen=True)
class Slurm:
    """A Slurm that is up.

    Attributes:
        configuration: Its ``slurm.conf``, which ``SLURM_CONF`` must name.
    """

    configuration: Path

    def ask(self, *words: str, seconds: float = 60) -> str:
        """Run one of Slurm's commands within some seconds, and return its output."""
        variables = dict(os.environ) | {"SLURM_CONF": str(self.configuration)}
        done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False, timeout=seconds)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout.strip()

    def states(self, job: str) -> list[str]:
        """State of each task of a job."""
        return self.ask("squeue", "--noheader", "--array", "--states=all", f"--jobs={job}", "--format=%T").split()

    def await_states(self, job: str, wanted: Sequence[str], seconds: float) -> None:
        """Wait until all tasks of a job are in one of some states."""
        deadline = time.monotonic() + seconds
        while not set(states := self.states(job)) <= set(wanted):
            assert time.monotonic() < deadline, f"job {job}: {states} after {seconds:.0f} s\n{self._log()}"
            time.sleep(0.2)

    def _log(self) -> str:
        return (self.configuration.parent / "slurmctld.log").read_text()[-2_000:]


def is_installed() -> bool:
    """Whether this machine has all programs of Slurm."""
    return all(shutil.which(name, path=_SYSTEM) for name in DAEMONS)


@contextmanager
def one_machine_slurm(folder: Path) -> Iterator[Slurm]:
    """Run a Slurm until the block ends, or this process is killed.

    Args:
        folder: An empty folder for all of its files.
    """
    (folder / "state").mkdir()
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    host = socket.gethostname().partition(".")[0]
    first = 1_000 + secrets.randbelow(1_000_000)  # the ports of a job follow from its number, and other tests may run
    configuration = folder / "slurm.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            host=host,
            second=SECOND,
            user=getpass.getuser(),
            folder=folder,
            first=first,
            ports=_free_ports(3),
            gpus=GPUS,
        )
    )
    (folder / "gres.conf").write_text("".join(f"Name=gpu File=/dev/{name}\n" for name in _AS_GPUS))
    munge = ["--foreground", "--force", f"--socket={folder}/munge.socket", f"--key-file={key}"]
    munge += [f"--{kind}-file={folder}/munged.{kind}" for kind in ("pid", "log", "seed")]
    slurm = Slurm(configuration)
    with guarded() as watch:

        def daemon(*words: str) -> None:
            program = shutil.which(words[0], path=_SYSTEM)
            assert program is not None, words[0]
            with (folder / "daemons.log").open("ab") as log:
                process = subprocess.Popen(
                    [program, *words[1:]],
                    env=dict(os.environ) | {"SLURM_CONF": str(configuration)},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            watch(process, _STOP_SECONDS)

        daemon("munged", *munge)
        _await((folder / "munge.socket").exists)
        daemon("slurmctld", "-D")
        daemon("slurmd", "-D", "-N", host)
        daemon("slurmd", "-D", "-N", SECOND)
        _await(lambda: _idle_nodes(slurm) == 2)
        try:
            yield slurm
        finally:
            slurm.ask("scancel", f"--user={getpass.getuser()}")
            _await(lambda: slurm.ask("squeue", "--noheader") == "")


def _idle_nodes(slurm: Slurm) -> int:
    try:
        return slurm.ask("sinfo", "--noheader", "--Node", "--partition=two", "--format=%T").split().count("idle")
    except AssertionError:  # it does not answer yet
        return 0


def _await(event: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not event():
        assert time.monotonic() < deadline, "Slurm does not get there"
        time.sleep(0.1)


def _free_ports(number: int) -> list[int]:
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
