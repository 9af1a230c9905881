"""A Secret as Kubernetes mounts it, and replaces it: files are links through `..data`, which changes at one stroke."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class MountedSecret:
    """The folder of a mounted Secret."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """The certificate, where a Secret of type kubernetes.io/tls has it."""
        return self.folder / "tls.crt"

    @property
    def key(self) -> Path:
        """The key of the certificate."""
        return self.folder / "tls.key"

    def hold(self, **files: bytes) -> None:
        """Replaces the whole content; a dot in a file's name is written as an underscore."""
        generation = self.folder / f"..{len(list(self.folder.iterdir()))}"
        generation.mkdir()
        for name, content in files.items():
            (generation / name.replace("_", ".")).write_bytes(content)
            link = self.folder / name.replace("_", ".")
            if not link.is_symlink():
                link.symlink_to(Path("..data", link.name))
        following = self.folder / "..data_tmp"
        following.symlink_to(generation.name)
        following.replace(self.folder / "..data")


def pair(certificate: trustme.LeafCert, key: trustme.LeafCert | None = None) -> dict[str, bytes]:
    """The files of a TLS Secret; with the key of another certificate, if one is given."""
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    return {"tls_crt": chain, "tls_key": (key or certificate).private_key_pem.bytes()}
