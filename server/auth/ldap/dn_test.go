package ldap

import (
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
)

// TestWithinAcceptsBaseAndDescendants checks whether an entry is the base, a descendant, or neither (D-13).
func TestWithinAcceptsBaseAndDescendants(t *testing.T) {
	for _, c := range []struct {
		name, base string
		want       bool
	}{{"DC=a,DC=b", "dc=A,dc=b", true}, {"CN=x,DC=a,DC=b", "DC=a,DC=b", true}, {"DC=b", "DC=a,DC=b", false},
		{"CN=x,DC=a,DC=c", "DC=a,DC=b", false}, {"CN=x,DC=b,DC=a", "DC=a,DC=b", false},
		{"DC=a,DC=b,CN=x", "DC=a,DC=b", false},
		{"DC=a", "", true}, {"", "DC=a", false}} {
		dn, err := parseDN(c.name)
		base, err2 := parseDN(c.base)
		check.That(t, err == nil && err2 == nil && within(dn, base) == c.want,
			"D-13: %q below %q: %v, %v, want %t", c.name, c.base, err, err2, c.want)
	}
	long := "CN=" + strings.Repeat("n", maxDN-3)
	for text, want := range map[string]bool{long: true, long + "n": false, "CN=a,,DC=b": false,
		"CN=a+,DC=b": false} {
		_, err := parseDN(text)
		check.That(t, (err == nil) == want, "D-13: parseDN(%.20q) of %d bytes: %v, want success: %t", text, len(text),
			err, want)
	}
}

// FuzzDN checks that equal names have equal keys whatever their escapes, and that no bytes cause a panic (D-13).
func FuzzDN(f *testing.F) {
	f.Add("CN=a,DC=b", "cn=A , dc=B")         // case and spaces
	f.Add(`CN=a\2Cb,DC=c`, `CN=a\,b,DC=c`)    // two escapes of one comma
	f.Add("CN=a+OU=b,DC=c", "OU=b+CN=a,DC=c") // parts of one level
	f.Add("CN=a,DC=b", "CN=a\\,DC=b")         // two parts, and one with a comma
	f.Add(`CN=\`, "CN=#04")                   // an empty escape, truncated bytes
	f.Fuzz(func(t *testing.T, a, b string) {
		x, err := key(a)
		y, err2 := key(b)
		if err != nil || err2 != nil {
			return
		}
		one, _ := parseDN(a)
		two, _ := parseDN(b)
		check.That(t, !one.EqualFold(two) || x == y, "D-13: %q and %q are one name, but have two keys", a, b)
		check.That(t, x != y || len(one.RDNs) == len(two.RDNs),
			"D-13: %q and %q have one key, but different lengths", a, b)
		check.That(t, within(one, one) && (len(two.RDNs) <= len(one.RDNs) || !within(one, two)),
			"D-13: %q within %q", a, b)
	})
}

// TestSpellingsOfOneNameHaveOneKey checks which spellings denote the same name (D-13).
func TestSpellingsOfOneNameHaveOneKey(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"CN=Anna,OU=x,DC=a", "cn=ANNA, ou=X,dc=A", true},
		{`CN=a\2Cb,DC=c`, `CN=a\,b,DC=c`, true},
		{"CN=a+OU=b,DC=c", "OU=b+CN=a,DC=c", true},
		{"CN=ä,DC=c", "CN=Ä,DC=c", true},
		{"CN=a,DC=c", `CN=a\,DC\=c`, false},
		{"CN=a,OU=b,DC=c", "CN=a+OU=b,DC=c", false},
		{"CN=ab,DC=c", "CN=a,CN=b,DC=c", false},
		{"CN=a,DC=c", "OU=a,DC=c", false},
	} {
		a, err := key(c.a)
		b, err2 := key(c.b)
		check.That(t, err == nil && err2 == nil && (a == b) == c.same,
			"D-13: keys of %q and %q: %q, %q, %v, %v, want equal: %t", c.a, c.b, a, b, err, err2, c.same)
	}
	for _, bad := range []string{"x", "CN=a\xff", "CN=" + string(make([]byte, maxDN)), "=a", "CN=a,,DC=b"} {
		k, err := key(bad)
		check.That(t, err != nil || bad == "=a", "D-13: key(%q) = %q, want an error", bad, k)
	}
}

// TestLongNamesHaveTheirOwnKeys checks that the key of a value of more than 1,114,111 bytes differs from that of two
// parts.
func TestLongNamesHaveTheirOwnKeys(t *testing.T) {
	a, b := strings.Repeat("a", 1<<21), strings.Repeat("b", 1<<21)
	two := &goldap.DN{RDNs: []*goldap.RelativeDN{{Attributes: []*goldap.AttributeTypeAndValue{
		{Type: "cn", Value: a}, {Type: "cn", Value: b}}}}}
	one := &goldap.DN{RDNs: []*goldap.RelativeDN{{Attributes: []*goldap.AttributeTypeAndValue{
		{Type: "cn", Value: a + "\ufffdcn=" + b}}}}}
	check.That(t, keyOf(two) != keyOf(one), "a component with two long values has the key of one with a longer value")
}
