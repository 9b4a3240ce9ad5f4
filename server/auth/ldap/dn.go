package ldap

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"
)

// maxDN limits the length of DNs, in bytes.
const maxDN = 8 << 10

var errDN = errors.New("the name of an entry cannot be read")

// parseDN parses a DN. It returns errDN, which does not quote the text, for malformed or too long text or an empty
// component. The empty text is a DN without components.
func parseDN(text string) (*goldap.DN, error) {
	if len(text) > maxDN || !utf8.ValidString(text) {
		return nil, errDN
	}
	dn, err := goldap.ParseDN(text)
	if err != nil {
		return nil, errDN
	}
	return dn, nil
}

// key returns a canonical form of a DN, so that equal DNs have equal keys: it ignores case, escaping, and the order
// within a multi-valued RDN (D-13).
func key(text string) (string, error) {
	dn, err := parseDN(text)
	if err != nil {
		return "", err
	}
	return keyOf(dn), nil
}

// keyOf returns the key of a DN. Two DNs have the same key only if they name the same entry: case and the order
// inside a component do not matter. Each part follows its length, so that no value can look like two parts.
func keyOf(dn *goldap.DN) string {
	var b strings.Builder
	for _, r := range dn.RDNs {
		parts := make([]string, len(r.Attributes))
		for i, a := range r.Attributes {
			parts[i] = fold(a.Type) + "=" + fold(a.Value)
		}
		slices.Sort(parts)
		for _, p := range parts {
			b.WriteString(strconv.Itoa(len(p)) + ":" + p)
		}
		b.WriteByte(0)
	}
	return b.String()
}

// fold removes case differences from a text, for the comparison of DNs.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// within reports whether an entry is base or its descendant (D-13).
func within(dn, base *goldap.DN) bool {
	n := len(dn.RDNs) - len(base.RDNs)
	return n >= 0 && keyOf(&goldap.DN{RDNs: dn.RDNs[n:]}) == keyOf(base)
}
