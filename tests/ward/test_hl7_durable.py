"""HL7 v2: nothing is acknowledged that is not durable; who may connect; nothing of a message in a log."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from leeward.record.errors import BadSetting
from leeward.ward.app import create_app
from leeward.ward.clock import SetClock
from leeward.ward.hl7.listener import Listener
from leeward.ward.hl7.senders import listening
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .hl7_messages import PID, message, obr, obx, receiver, rows, told, with_hl7
from .test_hl7_line import connected, framed, heard

RESULT = message(PID, obr(), obx("12"))
ROOT = Path(__file__).parents[2]
KILLED_BEFORE_IT_ANSWERS = """
import os, signal, sys
from leeward.ward.hl7.listener import Listener
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.ward.conftest import NOW, SetClock
from tests.ward.hl7_messages import receiver, with_hl7

async def dies(*_):
    os.kill(os.getpid(), signal.SIGKILL)

Listener._say = dies
world = World(with_hl7(WardSettings(database=sys.argv[1], demo=True)), SetClock(NOW))
line = Listener(receiver(world))
line.start()
os.write(1, b"\\n%d\\n" % line.port)  # in one piece: the log may be writing beside it
signal.pause()
"""


@pytest.fixture
def world(settings: WardSettings, clock: SetClock) -> World:
    """A ward with senders."""
    return World(with_hl7(settings), clock)


def test_51_killed_between_store_and_acknowledgement_and_sent_again_it_is_kept_once(
    settings: WardSettings, clock: SetClock
) -> None:
    """The sender hears nothing, and sends again; the store had it durably, and holds it once."""
    world = World(with_hl7(settings), clock)
    command = [sys.executable, "-c", KILLED_BEFORE_IT_ANSWERS, settings.database]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as ward:
        assert ward.stdout is not None
        port = int(next(line for line in ward.stdout if line.strip().isdigit()))
        with socket.create_connection(("127.0.0.1", port), timeout=20) as sender:
            sender.sendall(framed(RESULT))
            assert heard(sender) == []
        assert ward.wait(timeout=20) == -signal.SIGKILL
    assert [row["low"] for row in rows(world)] == [12.0]
    assert told(receiver(world).receive(RESULT)) == [("AA",)]
    assert len(rows(world)) == 1
    with world.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from arrivals").scalar() == 1


def test_51_what_could_not_be_kept_is_not_acknowledged_as_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is no fault of the message: AR, and the sender keeps it."""
    door = receiver(world)

    def full(*_: Any, **__: Any) -> None:
        raise OperationalError("insert", {"text": "SECRET"}, OSError("disk full"))

    with monkeypatch.context() as broken, capture_logs() as logged:
        broken.setattr(world.store, "append", full)
        assert told(door.receive(RESULT)) == [("AR", "internal-error")]
    assert "SECRET" not in str(logged)
    assert rows(world) == []
    assert told(door.receive(RESULT)) == [("AA",)]


def test_20_the_same_message_twice_is_kept_once(world: World) -> None:
    """Under the same control id or another one, and it is acknowledged each time."""
    door = receiver(world)
    for control in ("1", "1", "2"):
        assert told(door.receive(message(PID, obr(), obx("12"), control=control))) == [("AA",)]
    assert len(rows(world)) == 1


def test_48_nothing_of_a_message_is_in_a_log(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither of one that is taken, nor of one that is refused, nor of one that breaks something."""
    canary = "CANARY"
    person = f"PID|1||{canary}^^^H^MR||{canary}^{canary}||{canary}"
    sent = [
        message(person, obr(canary), obx(canary), obx("12\\Zq\\"), control=canary),
        message(person, person.replace(f"||{canary}^^^", "||8^^^"), obr(canary), obx("12")),
        message(person, "EVN|" + canary, kind=f"ADT^{canary}", sender=canary),
        f"MSH|{canary}".encode(),
    ]
    door = receiver(world)
    with capture_logs() as logged:
        answers = [door.receive(block) for block in sent]
    assert len(logged) == len(answers)
    assert canary not in str(logged)
    assert canary not in str(door.counts)
    assert canary not in "".join(capfd.readouterr())


# ------------------------------------------------------------------------------------------------ who may connect


def test_it_listens_while_the_service_runs(settings: WardSettings, clock: SetClock) -> None:
    """And tells an operator how many messages were answered how."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world = World(with_hl7(settings, port=port), clock)
    with TestClient(create_app(world, start=False)) as client:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sender:
            sender.sendall(framed(RESULT))
            assert told(heard(sender)) == [("AA",)]
        assert client.get("/hl7").json() == [{"source": "laboratory", "answer": "AA", "reason": "", "messages": 1}]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"address": "0.0.0.0"}, "mutual TLS"),  # noqa: S104  that is what is refused
        ({"address": "ward.example"}, "no address"),
        ({"prot": 2575}, "unknown field"),
        ({"senders": [{"application": "LAB", "source": "laboratory"}]}, "numbers"),
        ({"senders": [{"application": "LAB", "source": "x", "numbers": "order", "charset": "EBCDIC"}]}, "EBCDIC"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(said: dict[str, Any], complaint: str) -> None:
    """Above all an address that anybody could reach, as MLLP knows no sign-in."""
    with pytest.raises(BadSetting, match=complaint):
        listening(said)


def test_a_port_that_is_taken_is_an_error(world: World) -> None:
    """A ward that hears nobody must say so when it starts."""
    first = Listener(receiver(world))
    first.start()
    taken = with_hl7(world.settings, port=first.port)
    second = Listener(receiver(World(taken, world.clock)))
    with pytest.raises(BadSetting, match="cannot listen"):
        second.start()
    first.stop()


def certificate(
    folder: Path, name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None
) -> Any:
    """A certificate and its key, as files and as objects; without an issuer it signs itself and others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{name}.key").write_bytes(key.private_bytes(*plain))
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return made, key


def test_only_a_sender_with_a_certificate_is_heard(settings: WardSettings, clock: SetClock, tmp_path: Path) -> None:
    """Both sides show one; a sender without is let go before it can say anything."""
    authority = certificate(tmp_path, "authority")
    for name in ("ward", "laboratory"):
        certificate(tmp_path, name, authority)
    file = {name: str(tmp_path / name) for name in ("ward.pem", "ward.key", "authority.pem", "laboratory.pem")}
    shown = {"certificate": file["ward.pem"], "key": file["ward.key"], "clients": file["authority.pem"]}
    world = World(with_hl7(settings, **shown), clock)
    line = Listener(receiver(world))
    line.start()
    knows = ssl.create_default_context(cafile=file["authority.pem"])
    got: list[bytes] = []
    with suppress(ssl.SSLError, ConnectionError), connected(line) as sender:
        nobody = knows.wrap_socket(sender, server_hostname="127.0.0.1")
        with nobody:
            nobody.sendall(framed(RESULT))
            got = heard(nobody)
    assert not got
    assert rows(world) == []
    knows.load_cert_chain(file["laboratory.pem"], str(tmp_path / "laboratory.key"))
    with connected(line) as sender, knows.wrap_socket(sender, server_hostname="127.0.0.1") as known:
        known.sendall(framed(RESULT))
        assert told(heard(known)) == [("AA",)]
    line.stop()
    assert len(rows(world)) == 1
