"""What is known of programs: a spelling that nobody listed is not known to only look."""

from __future__ import annotations

import shlex

import pytest

from chimera.builtin.services.runbooks.programs import known_of


@pytest.mark.parametrize(
    "line",
    [
        "curl -XDELETE http://x/y",
        "curl -sXDELETE http://x/y",
        "curl -o/etc/x http://x",
        "curl -D file http://x",
        "curl --remote-name-all http://x",
        "curl -w '%output{x}y' http://x",
        "curl gopher://redis:6379/_FLUSHALL",
        "kubectl --as get delete pod x",
        "kubectl cluster-info dump --output-directory=/x",
        "kubectl set env deploy/x A=b --list",
        "psql -c 'select 1' -c'drop table t'",
        "psql -c 'select 1' '--command=delete from t'",
        "psql -c 'select 1' -Atc'delete from t'",
        "psql -c 'select 1' -fx.sql",
        "psql -c 'select 1' -o file",
        "psql -c 'select * into t from x'",
        "nvidia-smi --gpu-reset",
        "nvidia-smi -pl 100",
        "pg_dump -ffile",
        "pg_dump --fi=file",
        "pg_restore --list -f file",
        "mc find x --exec rm",
        "sort -uofile",
        "trivy fs -ofile",
        "trivy image --compliance @file",
        "chimera plan --out file",
    ],
)
def test_no_spelling_makes_a_look_of_a_change(line: str) -> None:
    known = known_of(shlex.split(line))
    assert known is None or known.risk != "reads"


@pytest.mark.parametrize(
    "line",
    [
        "curl -sSf -X GET http://x/y",
        "curl -s -o /dev/null https://x",
        "kubectl -n prod get pods -A --field-selector=status.phase!=Running",
        "kubectl logs -l layer=evolution --tail=100 --since=1h",
        "kubectl exec pod -- redis-cli LLEN tasks",
        "kubectl set env deploy/x --list",
        "psql -U chimera -Atc x -c 'select 1'",
        "nvidia-smi --query-gpu=utilization.gpu --format=csv",
        "pg_dump -U chimera -Fc chimera",
        "pg_restore --list backup",
        "sort -k3 -nr",
        "trivy image --severity HIGH x",
    ],
)
def test_what_is_listed_is_known_to_look(line: str) -> None:
    known = known_of(shlex.split(line))
    assert known is not None
    assert known.risk == "reads"
