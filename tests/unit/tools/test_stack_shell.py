import os
import shutil
import subprocess
from pathlib import Path

from tools.stack.shell import script, users_own, with_exports

OWN = {"PATH": "/usr/bin:/bin", "HOME": "/home/x", "KUBECONFIG": "/home/x/config"}
SET = {"PULUMI_STACK": "dev", "KUBECONFIG": "/clone/it's here/kubeconfig"}
FOLDERS = (Path("/clone/bin"), Path("/tool chain/bin"))


def evaluated(environment: dict[str, str], wanted: dict[str, str]) -> dict[str, str]:
    """The environment of a shell that has evaluated our script."""
    lines = "\n".join(script(environment, wanted))
    done = subprocess.run(["/bin/sh", "-c", f"{lines}\nenv -0"], env=environment, capture_output=True, check=True)
    pairs = (entry.partition("=") for entry in done.stdout.decode().split("\0") if entry)
    return {name: value for name, _, value in pairs if name not in {"PWD", "SHLVL", "_", "OLDPWD"}}


def test_a_shell_gets_every_variable_as_it_is_whatever_is_in_it() -> None:
    wanted = with_exports(OWN, {**SET, "ODD": "a'b\"c $d `e`\n\\f"}, FOLDERS)

    assert evaluated(OWN, wanted) == wanted


def test_the_folders_are_first_on_the_path_in_their_order() -> None:
    assert with_exports(OWN, SET, FOLDERS)["PATH"] == "/clone/bin:/tool chain/bin:/usr/bin:/bin"


def test_behind_the_exports_the_users_own_environment_is_found_again() -> None:
    assert users_own(with_exports(OWN, SET, FOLDERS)) == OWN


def test_what_the_user_changed_after_the_exports_is_the_users_choice() -> None:
    shell = with_exports(OWN, SET, FOLDERS)
    shell |= {"KUBECONFIG": "/mine", "PATH": f"/first:{shell['PATH']}", "PULUMI_CONFIG_PASSPHRASE": "mine"}

    own = users_own(shell)

    assert own == {**OWN, "KUBECONFIG": "/mine", "PATH": "/first:/usr/bin:/bin", "PULUMI_CONFIG_PASSPHRASE": "mine"}


def test_a_value_of_the_users_that_stays_is_not_recorded_so_no_secret_gets_into_the_record() -> None:
    own = {**OWN, "PULUMI_CONFIG_PASSPHRASE": "canary"}

    lines = "\n".join(script(own, with_exports(own, {**SET, **own}, FOLDERS)))

    assert "canary" not in lines


def test_evaluating_twice_changes_nothing_more() -> None:
    once = evaluated(OWN, with_exports(OWN, SET, FOLDERS))

    assert evaluated(once, with_exports(users_own(once), SET, FOLDERS)) == once


def test_exports_for_another_target_take_back_those_of_the_one_before() -> None:
    first = with_exports(OWN, {**SET, "TRACARDI_EMBEDDED": "1"}, FOLDERS)

    second = evaluated(first, with_exports(users_own(first), {"PULUMI_STACK": "prod"}, FOLDERS))

    assert "TRACARDI_EMBEDDED" not in second
    assert second["KUBECONFIG"] == OWN["KUBECONFIG"]
    assert second["PULUMI_STACK"] == "prod"


def test_a_record_that_is_not_ours_takes_nothing_back() -> None:
    for record in ("", "no json", "[1]", '{"PATH": 3}'):
        assert users_own({**OWN, "TRACARDI_ENV": record}) == OWN


def test_the_makefile_takes_the_folders_off_the_path_again(tmp_path: Path) -> None:
    makefile = Path(__file__).parents[3] / "Makefile"
    text = makefile.read_text(encoding="utf-8") + "\nshow-path:\n\t@echo $$PATH\n"
    (tmp_path / "Makefile").write_text(text, encoding="utf-8")

    own = {**OWN, "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [shutil.which("make") or "make", "-s", "-C", tmp_path, "--no-print-directory", "show-path"],
        env=with_exports(own, SET, FOLDERS),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == own["PATH"]
