package ldap

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/claims"
)

// Claim says which attribute of an account is a claim, and of which type.
type Claim struct {
	Attribute string
	Type      claims.Type // String, Int64 or Boolean
}

type claimOf struct {
	Claim
	name string
}

// maxClaimValues bounds the values of one claim.
const maxClaimValues = 1024

func orderClaims(all map[string]Claim) (out []claimOf, err error) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name]
		if name == "" || c.Attribute == "" || c.Type != claims.String && c.Type != claims.Int64 && c.Type != claims.Boolean {
			return nil, fmt.Errorf("ldap: claim %q: want an attribute, and string, int64 or boolean", name)
		}
		again := func(o claimOf) bool { return claims.EqualName(o.name, name) }
		if slices.ContainsFunc(out, again) {
			return nil, fmt.Errorf("ldap: claim %q: another has that name", name)
		}
		out = append(out, claimOf{c, name})
	}
	return out, nil
}

// attributes returns what claims are read from.
func (d *Directory) claimAttributes() (out []string) {
	for _, c := range d.claims {
		out = append(out, c.Attribute)
	}
	return out
}

// claims reads the claims of an account. One that cannot be read refuses the account: a
// condition that it does not hold could be the one that denies. D-12
func (e *entry) claims(of []claimOf) (*claims.Set, []claims.Attribute, error) {
	var out []claims.Attribute
	for _, c := range of {
		values, _, all := e.values(c.Attribute)
		if !all || len(values) > maxClaimValues {
			return nil, nil, wrong("the claim %s has more than %d values", c.name, maxClaimValues)
		}
		if len(values) == 0 {
			continue
		}
		a := claims.Attribute{Name: c.name, Type: c.Type}
		for _, v := range values {
			if err := add(&a, string(v)); err != nil {
				return nil, nil, err
			}
		}
		out = append(out, a)
	}
	if len(out) == 0 {
		return nil, nil, nil
	}
	set, err := claims.NewSet(out)
	if err != nil {
		return nil, nil, wrong("claims: %v", err)
	}
	return set, out, nil
}

// listed writes claims as a token file lists them.
func listed(all []claims.Attribute) string {
	var b strings.Builder
	for i, a := range all {
		var values []string
		for _, v := range a.Strings {
			values = append(values, strconv.Quote(v))
		}
		for _, v := range a.Ints {
			values = append(values, strconv.FormatInt(v, 10))
		}
		for _, v := range a.Uints {
			values = append(values, strconv.FormatBool(v != 0))
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"name": %s, "type": %s, "values": [%s]}`, strconv.Quote(a.Name), strconv.Quote(typeNames[a.Type]),
			strings.Join(values, ", "))
	}
	if b.Len() == 0 {
		return ""
	}
	return "[" + b.String() + "]"
}

// typeNames are the types of claims as token files name them.
var typeNames = map[claims.Type]string{claims.String: "string", claims.Int64: "int64", claims.Boolean: "boolean"}

// ParseClaim reads ATTRIBUTE or ATTRIBUTE:TYPE, of type string, int64 or boolean.
func ParseClaim(text string) (Claim, error) {
	attribute, name, typed := strings.Cut(text, ":")
	if !typed {
		name = "string"
	}
	for t, n := range typeNames {
		if n == name && attribute != "" {
			return Claim{Attribute: attribute, Type: t}, nil
		}
	}
	return Claim{}, fmt.Errorf("%q: want ATTRIBUTE, ATTRIBUTE:int64 or ATTRIBUTE:boolean", text)
}

func add(a *claims.Attribute, text string) error {
	switch a.Type {
	case claims.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return wrong("the claim %s is no number", a.Name)
		}
		a.Ints = append(a.Ints, n)
	case claims.Boolean:
		switch text {
		case "TRUE":
			a.Uints = append(a.Uints, 1)
		case "FALSE":
			a.Uints = append(a.Uints, 0)
		default:
			return wrong("the claim %s is neither TRUE nor FALSE", a.Name)
		}
	default:
		a.Strings = append(a.Strings, text)
	}
	return nil
}
