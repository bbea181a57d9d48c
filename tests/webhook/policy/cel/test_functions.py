"""Kubernetes' functions: an expression and its answer for each example of the Kubernetes documentation, and more.

Source: https://kubernetes.io/docs/reference/using-api/cel/
"""

from __future__ import annotations

import pytest

from tests.webhook.policy.language import asks
from webhook.policy.cel.environment import FUNCTIONS
from webhook.policy.expression import ExpressionError, Variables, compile_expression

OBJECT = {"list": [3, 1, 2], "cpu": "500m", "host": "a.example", "names": ["a", "b"], "flag": True, "nothing": None}

TRUE = [
    # lists
    "[1, 2, 3].isSorted() && !['b', 'a'].isSorted() && [].isSorted() && [1.0, 1.0].isSorted()",
    "!object.list.isSorted() && object.names.isSorted()",
    "[1, 3].sum() == 4 && [1.0, 3.0].sum() == 4.0 && [].sum() == 0 && object.list.sum() == 6",
    "[1, 3].min() == 1 && [1, 3].max() == 3 && ['b', 'a'].min() == 'a' && object.list.max() == 3",
    "[1, 2, 2, 3].indexOf(2) == 1 && ['a', 'b', 'b', 'c'].lastIndexOf('b') == 2",
    "[1.0].indexOf(1.1) == -1 && ['string'].lastIndexOf('other') == -1 && object.list.indexOf(2) == 2",
    "[true].indexOf(1) == -1 && [1].indexOf(1.0) == 0 && [[1, null]].indexOf([1, null]) == 0",
    "[{'a': [null]}].lastIndexOf({'a': [null]}) == 0 && [null].indexOf(null) == 0",
    "'abc'.indexOf('c') == 2 && 'abca'.lastIndexOf('a') == 3",
    # sets
    "sets.contains([], []) && !sets.contains([], [1]) && sets.contains([1, 2, 3, 4], [2, 3])",
    "sets.contains([1, 2.0, 3u], [1.0, 2u, 3])",
    "sets.equivalent([], []) && sets.equivalent([1], [1, 1]) && sets.equivalent([1], [1u, 1.0])",
    "sets.equivalent([1, 2, 3], [3u, 2.0, 1])",
    "sets.intersects([1], [1, 2]) && sets.intersects([[1], [2, 3]], [[1, 2], [2, 3.0]]) && !sets.intersects([1], [])",
    # regular expressions
    "'abc 123'.find('[0-9]+') == '123' && 'abc 123'.find('xyz') == '' && object.host.find('^[a-z]') == 'a'",
    "'123 abc 456'.findAll('[0-9]+') == ['123', '456'] && '123 abc 456'.findAll('[0-9]+', 1) == ['123']",
    "'123 abc 456'.findAll('xyz') == [] && 'aé'.findAll('.') == ['a', 'é'] && 'abc'.findAll('.', 0) == []",
    "'baaau'.findAll('a*') == ['', 'aaa', '']",
    # URLs
    "url('https://example.com:80/').getHost() == 'example.com:80'",
    "url('https://example.com/').getHost() == 'example.com' && url('/path').getHost() == ''",
    "url('https://[::1]:80/').getHost() == '[::1]:80' && url('https://[::1]:80/').getHostname() == '::1'",
    "url('https://example.com:80/').getHostname() == 'example.com' && url('https://127.0.0.1/').getPort() == ''",
    "url('https://example.com:80/').getPort() == '80' && url('/path').getPort() == ''",
    "url('https://example.com/path').getScheme() == 'https' && url('/path').getScheme() == ''",
    "url('https://example.com/path with spaces/').getEscapedPath() == '/path%20with%20spaces/'",
    "url('https://example.com').getEscapedPath() == ''",
    "url('https://example.com/path?k1=a&k2=b&k2=c').getQuery() == {'k1': ['a'], 'k2': ['b', 'c']}",
    "url('https://example.com/path?key with spaces=value with spaces').getQuery()"
    " == {'key with spaces': ['value with spaces']}",
    "url('https://example.com/path?').getQuery() == {} && url('/path').getQuery() == {}",
    "url('HTTPS://user:secret@example.com/').getHost() == 'example.com'",
    "isURL('https://user:pass@example.com:80/path?query=val#fragment') && isURL('/absolute-path')",
    "isURL('https://a:80/') && isURL('https://[::1]:80/') && isURL('mailto:a@example.com')",
    "!isURL('https://a:port/') && !isURL('../relative-path') && !isURL('') && isURL('//host/')",
    "!isURL('https://exa mple/') && !isURL('https://a/%zz') && !isURL('http://%41/') && !isURL(':a')",
    "url('/a') == url('/a') && url('/a') != url('/b')",
    # addresses
    "ip('127.0.0.1').family() == 4 && ip('::1').family() == 6",
    "isIP('127.0.0.1') && isIP('::1') && !isIP('127.0.0.256') && !isIP(':::1') && !isIP('127.0.0.1/8')",
    "!isIP('::ffff:1.2.3.4') && !isIP('fe80::1%eth0') && !isIP('010.0.0.1') && !isIP('')",
    "ip.isCanonical('127.0.0.1') && ip.isCanonical('2001:db8::abcd')",
    "!ip.isCanonical('2001:DB8::ABCD') && !ip.isCanonical('2001:db8::0:0:0:abcd')",
    "ip('0.0.0.0').isUnspecified() && ip('::').isUnspecified() && !ip('127.0.0.1').isUnspecified()",
    "ip('127.0.0.1').isLoopback() && ip('::1').isLoopback() && !ip('192.168.0.1').isLoopback()",
    "ip('224.0.0.1').isLinkLocalMulticast() && ip('ff02::1').isLinkLocalMulticast()",
    "!ip('224.0.1.1').isLinkLocalMulticast() && !ip('fd00::1').isLinkLocalMulticast()",
    "ip('169.254.169.254').isLinkLocalUnicast() && ip('fe80::1').isLinkLocalUnicast()",
    "!ip('192.168.0.1').isLinkLocalUnicast() && !ip('fd80::1').isLinkLocalUnicast()",
    "ip('192.168.0.1').isGlobalUnicast() && ip('2001:db8::abcd').isGlobalUnicast()",
    "!ip('255.255.255.255').isGlobalUnicast() && !ip('ff00::1').isGlobalUnicast() && !ip('::1').isGlobalUnicast()",
    "ip('2001:db8::0:1') == ip('2001:DB8::1') && string(ip('2001:DB8::1')) == '2001:db8::1'",
    # networks
    "isCIDR('192.168.0.0/16') && isCIDR('::1/128') && !isCIDR('192.168.0.0/33') && !isCIDR('::1/129')",
    "!isCIDR('192.168.0.0/') && !isCIDR('192.168.0.0/016') && !isCIDR('192.168.0.0') && !isCIDR('::ffff:1.2.3.4/96')",
    "cidr('192.168.0.0/24').containsIP('192.168.0.1') && cidr('192.168.0.0/24').containsIP(ip('192.168.0.1'))",
    "!cidr('192.168.0.0/24').containsIP('192.168.1.1') && !cidr('0.0.0.0/0').containsIP('::1')",
    "cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24')",
    "cidr('192.168.0.0/16').containsCIDR(cidr('192.168.10.0/24'))",
    "!cidr('192.168.1.0/24').containsCIDR('192.168.0.0/16')",
    "cidr('192.168.0.1/24').ip() == ip('192.168.0.1')",
    "cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24') && cidr('192.168.0.1/24') != cidr('192.168.0.0/24')",
    "cidr('192.168.0.0/24').prefixLength() == 24 && string(cidr('::1/128')) == '::1/128'",
    # quantities
    "quantity('500000G').isInteger() && quantity('50k').isInteger() && !quantity('9999999999999999.5').isInteger()",
    "quantity('500000G').asInteger() == 500000000000000 && quantity('50k').asInteger() == 50000",
    "quantity('50.703k').asApproximateFloat() == 50703.0",
    "quantity('100').add(quantity('50')) == quantity('150') && quantity('100').add(50) == quantity('150')",
    "quantity('100').sub(quantity('50')) == quantity('50') && quantity('100').sub(50) == quantity('50')",
    "quantity('200M').compareTo(quantity('0.2G')) == 0 && quantity('50M').compareTo(quantity('50Mi')) == -1",
    "quantity('50Mi').compareTo(quantity('50M')) == 1",
    "quantity('150Mi').isGreaterThan(quantity('100Mi')) && !quantity('50Mi').isGreaterThan(quantity('100Mi'))",
    "quantity('50M').isLessThan(quantity('100M')) && !quantity('100M').isLessThan(quantity('50M'))",
    "quantity('50k').sign() == 1 && quantity('-50k').sign() == -1 && quantity('0').sign() == 0",
    "quantity('50k').add(20) == quantity('50020') && quantity('50k').add(quantity('20')).sub(quantity('100k'))"
    ".sub(-50000) == quantity('20')",
    "isQuantity('1.3G') && isQuantity('1.3Gi') && isQuantity('+1') && isQuantity('1e3') && isQuantity('.5')",
    "!isQuantity('1,3G') && !isQuantity('10000k K') && !isQuantity('') && !isQuantity('Ki') && !isQuantity('1 Gi')",
    "quantity('1e999999999') == quantity('9223372036854775807') && quantity('1e-999999999') == quantity('1n')",
    "quantity('0.1n') == quantity('1n') && quantity('1500m') == quantity('1.5')",
    "quantity(object.cpu).isLessThan(quantity('1'))",
    # versions
    "isSemver('1.0.0') && !isSemver('v1.0') && !isSemver('hello') && isSemver('v1.0', true)",
    "semver('v1.0', true).compareTo(semver('1.0.0')) == 0 && semver('01.01.01', true).minor() == 1",
    "semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3",
    "semver('1.2.3').compareTo(semver('1.2.3')) == 0 && semver('1.2.3').compareTo(semver('2.0.0')) == -1",
    "semver('1.2.3').compareTo(semver('0.1.2')) == 1 && semver('1.2.3').isLessThan(semver('1.10.0'))",
    "semver('1.0.0-alpha.2').isLessThan(semver('1.0.0-alpha.10')) && semver('1.0.0').isGreaterThan(semver('1.0.0-rc'))",
    "semver('1.0.0-1').isLessThan(semver('1.0.0-a')) && semver('1.0.0+a') == semver('1.0.0+b')",
    "!isSemver('1.0.0-') && !isSemver('1.0.0-01') && !isSemver('01.0.0') && !isSemver('1.0.0 ')",
    # formats
    "!format.dns1123Label().validate('my-label-name').hasValue()",
    "format.dns1123Label().validate('contains a space').hasValue()",
    "format.dns1123Label().validate('A').value().size() == 1",
    "format.named('dns1123Label').hasValue() && !format.named('unknown').hasValue()",
    "!format.dns1123Subdomain().validate('apiextensions.k8s.io').hasValue()",
    "!format.dns1035Label().validate('my-label').hasValue() && format.dns1035Label().validate('1a').hasValue()",
    "!format.qualifiedName().validate('apiextensions.k8s.io/v1beta1').hasValue()",
    "format.qualifiedName().validate('/a').hasValue() && format.qualifiedName().validate('a/b/c').hasValue()",
    "!format.dns1123LabelPrefix().validate('my-label-prefix-').hasValue()",
    "!format.dns1123SubdomainPrefix().validate('mysubdomain.prefix-').hasValue()",
    "!format.dns1035LabelPrefix().validate('my-label-prefix-').hasValue()",
    "!format.labelValue().validate('my-cool-label-Value').hasValue() && !format.labelValue().validate('').hasValue()",
    "!format.uri().validate('http://example.com').hasValue() && format.uri().validate('a b').hasValue()",
    "!format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue()",
    "!format.byte().validate('aGVsbG8=').hasValue() && format.byte().validate('aGVsbG8').hasValue()",
    "!format.date().validate('2021-01-01').hasValue() && format.date().validate('2021-02-30').hasValue()",
    "!format.datetime().validate('2021-01-01T00:00:00Z').hasValue() && format.datetime().validate('2021').hasValue()",
    # the library's own extensions
    "cel.bind(x, 2, x * x) == 4 && math.greatest(1, 3, 2) == 3 && math.least([1, 0]) == 0",
    "object.?host.orValue('') == 'a.example' && !object.?missing.hasValue() && object[?'host'].hasValue()",
    "optional.of(1).optMap(x, x + 1).value() == 2 && object.?missing.or(optional.of(3)).value() == 3",
]

ERRORS = [
    "[].min() == 0",
    "[1, 'a'].isSorted()",
    "['a'].sum() == 0",
    "[9223372036854775807, 9223372036854775807, 1, 1].sum() == 0",
    "[duration('1s')].max() == duration('1s')",
    "url('../a').getHost() == ''",
    "ip('1.2.3') == ip('1.2.3.4')",
    "cidr('1.2.3.4/33').prefixLength() == 33",
    "quantity('one').sign() == 1",
    "quantity('1.5').asInteger() == 1",
    "quantity('-9223372036854775807').sub(10).asInteger() == 0",
    "semver('1').major() == 1",
    "quantity('1').isLessThan(semver('1.0.0'))",
    "ip('1.2.3.4').prefixLength() == 32",
    "object.host.isLoopback()",
    "object.nothing.sum() == 0",
]

REFUSED_TYPES = ["quantity('1') == '1'", "quantity(1).sign() == 1", "'10.0.0.1'.isLoopback()", "ip('::1') == '::1'"]


def answer(source: str) -> object:
    request = asks("CREATE", OBJECT, resource="things")
    return compile_expression(source, returns="bool").evaluate(Variables.of(request))


@pytest.mark.parametrize("source", TRUE)
def test_answers(source: str) -> None:
    """What Kubernetes answers."""
    assert answer(source) is True


@pytest.mark.parametrize("source", ERRORS)
def test_errors(source: str) -> None:
    """What has no answer in Kubernetes has none here, and the error quotes nothing."""
    with pytest.raises(ExpressionError, match=r"^a value has another type or range than it expects$"):
        answer(source)


@pytest.mark.parametrize("source", REFUSED_TYPES)
def test_types(source: str) -> None:
    """What Kubernetes' types refuse when a policy is written is refused then, although our values are maps."""
    with pytest.raises(ValueError, match="found no matching overload"):
        answer(source)


def test_every_function_is_tried() -> None:
    """A function without a row in the table would be a promise that nobody keeps."""
    written = " ".join([*TRUE, *ERRORS])
    assert [function.name for function in FUNCTIONS if f"{function.name}(" not in written] == []
