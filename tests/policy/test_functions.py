"""Kubernetes' functions in CEL, held against what its API server's libraries document.

Each function is seen to give a value, and what it refuses is seen to be an error or not to compile.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.context import Processes
from chimera.policy import Bounds
from chimera.policy.functions import FUNCTIONS, Function, authorizers, signature
from chimera.policy.functions.quantities import parse
from chimera.policy.worker import Answer, Program, Seen, Task, Worker

VALUES: list[tuple[str, Any]] = [
    # quantity
    ("isQuantity('1.3G') && isQuantity('1.3Gi') && isQuantity('10000k')", True),
    ("isQuantity('1,3G') || isQuantity('200K') || isQuantity('Three') || isQuantity('Mi')", False),
    ("isQuantity('') || isQuantity('.') || isQuantity('1e') || isQuantity('10Mm')", False),
    ("isQuantity('+.5') && isQuantity('5.') && isQuantity('1e3') && isQuantity('1E-3')", True),
    ("quantity('200M') == quantity('0.2G') && quantity('0.2G') == quantity('200M')", True),
    ("quantity('1E') == quantity('1e18') && quantity('2Ki') == quantity('2048')", True),
    ("quantity('0.1n') == quantity('1n') && quantity('-0.1n') == quantity('-1n')", True),
    ("quantity('200M') == quantity('0.3G')", False),
    ("quantity('50M').isLessThan(quantity('50Mi'))", True),
    ("quantity('50M').isGreaterThan(quantity('100M'))", False),
    ("quantity('200M').compareTo(quantity('0.2G'))", 0),
    ("quantity('50M').compareTo(quantity('50Mi'))", -1),
    ("quantity('50Mi').compareTo(quantity('50M'))", 1),
    ("quantity('50k').add(quantity('20')) == quantity('50.02k')", True),
    ("quantity('50k').add(20) == quantity('50020')", True),
    ("quantity('50k').sub(quantity('20')) == quantity('49.98k')", True),
    ("quantity('50k').add(20).sub(quantity('100k')).sub(-50000).asInteger()", 20),
    ("quantity('50k').asInteger()", 50000),
    ("quantity('9999999999999999999999999999999999999G').isInteger()", False),
    ("quantity('1.5').isInteger() || !quantity('2.0').isInteger()", False),
    ("quantity('50.703k').asApproximateFloat()", 50703.0),
    ("[quantity('-1').sign(), quantity('0').sign(), sign(quantity('5m'))]", [-1, 0, 1]),
    # semver
    ("isSemver('1.0.0') && isSemver('0.1.0-alpha.1+b.01')", True),
    ("isSemver('hello') || isSemver('v1.0') || isSemver('1.0.0-01') || isSemver('01.0.0')", False),
    ("isSemver('v1.0', true) && isSemver('01.01.01', true)", True),
    ("semver('v1.0', true) == semver('1.0.0')", True),
    ("semver('1.0.0+a') == semver('1.0.0+b')", True),
    ("semver('1.2.3').compareTo(semver('2.0.0'))", -1),
    ("semver('1.0.0-rc.2').isLessThan(semver('1.0.0-rc.10'))", True),
    ("semver('1.0.0').isGreaterThan(semver('1.0.0-rc'))", True),
    ("semver('1.0.0-1').isLessThan(semver('1.0.0-a'))", True),
    ("[semver('1.2.3').major(), semver('1.2.3').minor(), semver('1.2.3').patch()]", [1, 2, 3]),
    # url
    ("isURL('https://user:pass@example.com:80/path?query=val#fragment')", True),
    ("isURL('/absolute-path') && isURL('mailto:a@b') && isURL('https://[::1]:80/')", True),
    ("isURL('https://a:b:c/') || isURL('../relative-path') || isURL('')", False),
    ("isURL('https://a b/') || isURL('https://a/%zz') || isURL('https://[::1')", False),
    ("url('/path').getScheme() + url('HTTPS://example.com/').getScheme()", "https"),
    ("url('https://example.com:80/').getHost()", "example.com:80"),
    ("url('https://u@[::1]:80/').getHost() + url('/path').getHost()", "[::1]:80"),
    ("url('https://example.com:80/').getHostname()", "example.com"),
    ("url('https://[::1]:80/').getHostname() + url('/p').getHostname()", "::1"),
    ("url('https://[::1]/').getHostname()", "::1"),
    ("url('https://example.com:80/').getPort()", "80"),
    ("url('https://example.com/').getPort() + url('https://[::1]/').getPort()", ""),
    ("url('https://example.com/path with spaces/').getEscapedPath()", "/path%20with%20spaces/"),
    ("url('https://example.com/a%2Fb#c').getEscapedPath()", "/a%2Fb"),
    ("url('https://example.com').getEscapedPath()", ""),
    ("url('https://a/path?k1=a&k2=b&k2=c').getQuery()", {"k1": ["a"], "k2": ["b", "c"]}),
    ("url('https://a/?key with spaces=v+w%21').getQuery()", {"key with spaces": ["v w!"]}),
    ("url('https://a/path?').getQuery()", {}),
    # ip
    ("isIP('127.0.0.1') && isIP('::1')", True),
    ("isIP('127.0.0.256') || isIP(':::1') || isIP('1.2.3.04') || isIP('')", False),
    ("isIP('::ffff:1.2.3.4') || isIP('fe80::1%eth0')", False),
    ("ip.isCanonical('127.0.0.1') && ip.isCanonical('2001:db8::abcd')", True),
    ("ip.isCanonical('2001:DB8::ABCD') || ip.isCanonical('2001:db8::0:0:0:abcd')", False),
    ("[ip('127.0.0.1').family(), ip('::1').family()]", [4, 6]),
    ("ip('2001:DB8::0') == ip('2001:db8::')", True),
    ("ip('0.0.0.0').isUnspecified() && ip('::').isUnspecified()", True),
    ("ip('127.0.0.1').isLoopback() && !ip('2001:db8::abcd').isLoopback()", True),
    ("ip('224.0.0.1').isLinkLocalMulticast() && ip('ff02::1').isLinkLocalMulticast()", True),
    ("ip('224.0.1.1').isLinkLocalMulticast() || ip('fd00::1').isLinkLocalMulticast()", False),
    ("ip('169.254.169.254').isLinkLocalUnicast() && ip('fe80::1').isLinkLocalUnicast()", True),
    ("ip('192.168.0.1').isLinkLocalUnicast() || ip('fd80::1').isLinkLocalUnicast()", False),
    ("ip('192.168.0.1').isGlobalUnicast() && ip('2001:db8::abcd').isGlobalUnicast()", True),
    ("ip('255.255.255.255').isGlobalUnicast() || ip('ff00::1').isGlobalUnicast()", False),
    # cidr
    ("isCIDR('192.168.0.0/16') && isCIDR('::1/128')", True),
    ("isCIDR('192.168.0.0/33') || isCIDR('::1/129') || isCIDR('1.2.3.4')", False),
    ("isCIDR('::ffff:1.2.3.4/112') || isCIDR('10.0.0.0/08')", False),
    ("cidr('192.168.0.0/24').containsIP(ip('192.168.0.1'))", True),
    ("cidr('192.168.0.0/24').containsIP('192.168.1.1')", False),
    ("cidr('::/0').containsIP('1.2.3.4')", False),
    ("cidr('192.168.0.0/16').containsCIDR(cidr('192.168.10.0/24'))", True),
    ("cidr('192.168.1.0/24').containsCIDR('192.168.0.0/16')", False),
    ("cidr('192.168.0.1/24').ip() == ip('192.168.0.1')", True),
    ("cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24')", True),
    ("cidr('192.168.0.1/24') == cidr('192.168.0.1/24').masked()", False),
    ("[cidr('192.168.0.0/16').prefixLength(), cidr('::1/128').prefixLength()]", [16, 128]),
    # regular expressions
    ("'abc 123'.find('[0-9]+') + 'abc'.find('xyz')", "123"),
    ("'123 abc 456'.findAll('[0-9]+')", ["123", "456"]),
    ("'123 abc 456'.findAll('[0-9]+', 1)", ["123"]),
    ("'123 abc'.findAll('[0-9]+', 0) + 'abc'.findAll('xyz')", []),
    ("'äöü x'.find('[[:alpha:]]')", "x"),
    # lists
    ("[1, 2, 3].isSorted() && ['a', 'b', 'b'].isSorted() && [].isSorted()", True),
    ("[2.0, 1.0].isSorted()", False),
    ("[duration('1s'), duration('1m')].isSorted()", True),
    ("[1, 3].sum() == 4 && [1.5, 3.0].sum() == 4.5 && dyn([]).sum() == 0", True),
    ("[[1, 3].min(), [1, 3].max()]", [1, 3]),
    ("['b', 'a'].min() + ['b', 'a'].max()", "ab"),
    ("[1, 2, 2, 3].indexOf(2)", 1),
    ("[1.0].indexOf(1) + dyn([true]).indexOf(1)", -1),
    ("['a', 'b', 'b', 'c'].lastIndexOf('b')", 2),
    ("[{'a': [1]}, null].indexOf({'a': [1]}) + [null].indexOf(null)", 0),
    ("'abcb'.indexOf('b') + 'abcb'.lastIndexOf('b')", 4),
    # sets
    ("sets.contains([1, 2], [2]) && sets.contains([1], []) && sets.contains([1], [1.0, 1])", True),
    ("sets.contains([1], [2]) || sets.intersects([1], [])", False),
    ("sets.equivalent([1, 2, 1], [2, 1]) && !sets.equivalent([1], [1, 2])", True),
    ("sets.intersects([1, 2], [2, 3])", True),
    # optional values
    ("object.?none.orValue(5)", 5),
    ("object.?name.hasValue() && !object.?none.hasValue()", True),
    ("object.?a.?b.c.orValue('x')", "x"),
    ("[?object.?none, 1]", [1]),
]

_FORMATS = [
    ("dns1123Label", "my-label", "My_label"),
    ("dns1123LabelPrefix", "my-label-", "-my"),
    ("dns1123Subdomain", "apiextensions.k8s.io", "a..b"),
    ("dns1123SubdomainPrefix", "mysubdomain.prefix-", "a_b"),
    ("dns1035Label", "my-label", "1abc"),
    ("dns1035LabelPrefix", "my-label-", "1abc-"),
    ("qualifiedName", "apiextensions.k8s.io/v1_Beta.1", "/v1"),
    ("labelValue", "", "-a"),
    ("uri", "http://example.com", "example"),
    ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123"),
    ("byte", "aGVsbG8=", "a"),
    ("date", "2021-01-01", "2021-13-01"),
    ("datetime", "2021-01-01T00:00:00.5Z", "2021-01-01"),
]
VALUES += [
    pair
    for name, good, bad in _FORMATS
    for pair in (
        (f"format.{name}().validate('{good}').hasValue()", False),
        (f"size(format.{name}().validate('{bad}').value())", 1),
        (f"format.named('{name}').value().validate('{bad}').hasValue()", True),
    )
]
VALUES += [
    ("format.named('nothing').hasValue()", False),
    (f"size(format.dns1123Label().validate('{'A' * 64}').value())", 2),
]

ERRORS = [
    ("quantity('200K')", "not a quantity"),
    ("quantity('1e9999')", "not a quantity"),
    ("quantity('9999999999999999999999999999999999999G').asInteger()", "cannot convert"),
    ("dyn(quantity('1')) + 'a'", "No matching overloads"),
    ("dyn(ip('::1')).isLessThan(quantity('1'))", "no such overload"),
    ("quantity('1').isLessThan(dyn(semver('1.0.0')))", "no such overload"),
    ("{'kubernetes.Quantity': '1', 'x': '2'}.size() == 2 && dyn({'a': 1}).sign() == 0", "overload"),
    ("semver('1.0')", "not a semantic version"),
    ("semver('1.0-rc', true)", "short version"),
    ("url('../relative')", "not a URL"),
    ("url('https://a\\x00/')", "control characters"),
    ("ip('127.0.0.256')", "not an IP address"),
    ("ip.isCanonical('x')", "not an IP address"),
    ("cidr('10.0.0.0/33')", "length is invalid"),
    ("cidr('10.0.0.0/8').containsIP('x')", "not an IP address"),
    ("'a'.find('(')", "illegal regular expression"),
    ("'a'.find('(a)\\\\1')", "illegal regular expression"),
    ("'a'.findAll('a(?=b)')", "illegal regular expression"),
    ("dyn([]).min()", "empty list"),
    ("dyn([1, 'a']).max()", "not of one type"),
    ("dyn(['a']).sum()", "not numbers"),
    ("[9223372036854775807, 1].sum()", "overflow"),
    ("dyn([timestamp('2020-01-01T00:00:00Z')]).min()", "takes no time"),
    ("format.named('nothing').value()", "dereference"),
]

FAULTS = [
    ("quantity('1') + 'a'", "no matching overload"),
    ("quantity('1') == '1'", "no matching overload"),
    ("quantity('1').isLessThan(semver('1.0.0'))", "no matching overload"),
    ("quantity('1').value", "select"),
    ("isQuantity([1])", "no matching overload"),
    ("[[1]].min()", "no matching overload"),
    ("['a'].sum()", "no matching overload"),
    ("ip('::1').getPort()", "no matching overload"),
    ("[1].all(i, v, v > 0)", "this CEL engine has no comprehensions with two variables"),
    ("{'a': 1}.transformMap(k, v, v + 1)", "this CEL engine has no comprehensions with two"),
    ("image('nginx').tag() == ''", "this CEL engine has no image, which the newest versions"),
    ("[2, 1].sortBy(x, x)", "this CEL engine has no"),
    ("[2, 1].distinct()", "this CEL engine has no distinct"),
    ("string(ip('::1'))", "this CEL engine makes no string"),
    ("format.uuid().validate('x').orValue([])", "this CEL engine has hasValue() and value()"),
    ("type(ip('::1')) == net.IP", "this CEL engine has no names for the types"),
    ("[duration('1s')].max()", "this CEL engine takes no time out of a list"),
    ("[duration('1s')].sum()", "this CEL engine takes no time out of a list"),
    ("object.?name", "this CEL engine gives out no optional value"),
]

OBJECT = {"name": "x"}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One child for all tests, none of which ends it."""
    with Worker(Processes(), Bounds()) as worker:
        yield worker


def ask(worker: Worker, expression: str) -> Answer:
    """Compile and evaluate one expression."""
    number = worker.next
    (faults,) = worker.compile([Program(expression, ("object", "authorizer"), "any")])
    assert faults == ()
    ((answer,),) = worker.judge({}, [Seen(None, {"object": OBJECT})], [Task(number, (0,))])
    return answer


@pytest.mark.parametrize(("expression", "value"), VALUES, ids=[e for e, _ in VALUES])
def test_a_function_gives_what_kubernetes_says(worker: Worker, expression: str, value: Any) -> None:
    assert ask(worker, expression) == Answer(value)


@pytest.mark.parametrize(("expression", "part"), ERRORS, ids=[e for e, _ in ERRORS])
def test_what_a_function_refuses_is_an_error(worker: Worker, expression: str, part: str) -> None:
    answer = ask(worker, expression)
    assert part in (answer.error or "")


@pytest.mark.parametrize(("expression", "part"), FAULTS, ids=[e for e, _ in FAULTS])
def test_what_mixes_types_or_is_not_there_does_not_compile(
    worker: Worker, expression: str, part: str
) -> None:
    (faults,) = worker.compile([Program(expression, ("object",), "any")])
    assert part in faults[0].message


@pytest.mark.parametrize(
    "expression",
    [
        "authorizer.path('/healthz').check('get').allowed()",
        "authorizer.group('apps').resource('deployments').subresource('s').check('get').allowed()",
        "authorizer.group('').resource('pods').namespace('n').name('x').check('get').allowed()",
        "authorizer.resource('pods').fieldSelector('a=b').labelSelector('a').check('get').allowed()",
        "authorizer.path('/').check('create').reason() == ''",
        "authorizer.serviceAccount('ns', 'x').group('').resource('pods').check('get').errored()",
        "authorizer.requestResource.check('get').error() == ''",
        "object.name == 'y' || authorizer.path('/').check('get').allowed()",
    ],
)
def test_what_asks_the_authorizer_says_that_it_lacks_it(worker: Worker, expression: str) -> None:
    assert ask(worker, expression) == Answer(absent="authorizer")


def test_every_function_is_seen_here() -> None:
    shown = "\n".join(expression for expression, _ in VALUES)
    asked = {f.name for f in FUNCTIONS if f in authorizers.FUNCTIONS}
    called = set(re.findall(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)?(?=\()", shown))
    names = called | {name.partition(".")[2] for name in called}
    assert {f.name for f in FUNCTIONS} - asked <= names


def test_a_pattern_that_backtracks_for_ever_elsewhere_takes_no_time(worker: Worker) -> None:
    text = "a" * 5000
    assert ask(worker, f"'{text}!'.find('(a+)+$')") == Answer("")
    assert ask(worker, f"'{text}!'.findAll('(a|aa)+$')") == Answer([])


def test_a_hundred_thousand_nulls_do_not_end_the_child(worker: Worker) -> None:
    number = worker.next
    worker.compile([Program("object", ("object",), "any")])
    worker.compile([Program("size(variables.v)", (), "any", (("variables.v", number),))])
    for _ in range(20):
        seen = [Seen(None, {"object": [None] * 5000})]
        tasks = [Task(number, (0,), "variables.v"), Task(number + 1, (0,))]
        assert worker.judge({}, seen, tasks)[1] == [Answer(5000)]
    assert worker.losses == 0


def test_long_lists_are_added_up_and_compared_in_time(worker: Worker) -> None:
    first = worker.next
    texts = ("object.sum()", "object.isSorted()", "sets.equivalent(object, object)")
    worker.compile([Program(text, ("object",), "any") for text in texts])
    seen = [Seen(None, {"object": list(range(100_000))})]
    answers = worker.judge({}, seen, [Task(first + n, (0,)) for n in range(3)])
    assert answers == [[Answer(4999950000)], [Answer(True)], [Answer(True)]]


@settings(max_examples=200, deadline=None)
@given(st.integers(-(10**20), 10**20), st.sampled_from(["n", "u", "m", "", "k", "M", "G"]))
def test_a_quantity_is_its_number_times_its_suffix(number: int, suffix: str) -> None:
    scale = {"n": 0, "u": 3, "m": 6, "": 9, "k": 12, "M": 15, "G": 18}[suffix]
    assert parse(f"{number}{suffix}") == number * 10**scale


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789.+-eEnumkKMGTPi", max_size=12))
def test_reading_a_quantity_gives_a_number_or_says_why_not(text: str) -> None:
    said = ""
    try:
        parse(text)
    except ValueError as error:
        said = str(error)
    assert not said or "is not a quantity" in said


_TEXTS = st.sampled_from(
    [
        "",
        "1",
        "1Gi",
        "1.0.0-a",
        "::1/64",
        "http://[a]:1/%zz?a;b#c",
        "v1",
        "-",
        "2021-01-01",
        "%",
        "(",
    ]
) | st.text(max_size=8)
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | _TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["optional", signature.QUANTITY, signature.IP, signature.CIDR])
            | st.sampled_from([signature.URL, signature.SEMVER, signature.FORMAT]),
            inner,
            max_size=1,
        )
    ),
    max_leaves=4,
)


@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize("function", FUNCTIONS, ids=[f.name for f in FUNCTIONS])
@given(data=st.data())
def test_whatever_a_function_is_given_it_answers_or_refuses(
    function: Function, data: st.DataObject
) -> None:
    takes, _ = data.draw(st.sampled_from(function.overloads))
    kinds = {"string": _TEXTS, "int": st.integers(-(2**63), 2**63 - 1), "bool": st.booleans()}
    arguments = [
        data.draw(st.lists(_ANY, max_size=4) if t.startswith("list") else kinds.get(t, _ANY))
        for t in takes
    ]
    with suppress(ValueError, TypeError, LookupError, OverflowError):
        function.run(*arguments)
