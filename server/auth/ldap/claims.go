package ldap

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/claims"
)

// Claim maps an attribute of an account to a claim.
type Claim struct {
	Attribute string
	Type      claims.Type // String, Int64 or Boolean
}

// claimOf is a configured claim: the attribute that holds it, and the claim's name.
type claimOf struct {
	Claim
	name string
}

// maxClaimValues limits the values of one claim.
const maxClaimValues = 1024

// sortClaims returns the claims sorted by name. An incomplete claim, and two names that are equal, are errors. The
// names are compared as claims are, without regard to case. Without claims it returns nil.
func sortClaims(all map[string]Claim) (out []claimOf, err error) {
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

// claimAttributes returns the attributes that hold claims. They are in the order of the names, and may repeat. It
// returns nil for none.
func (d *Directory) claimAttributes() (out []string) {
	for _, c := range d.claims {
		out = append(out, c.Attribute)
	}
	return out
}

// claims returns the claims in the entry of an account, or nil if there are none. An attribute without values is
// skipped. A claim that cannot be read is an error, because a condition with that claim could deny (D-12). More than
// maxClaimValues values are an error.
func (e *entry) claims(of []claimOf) (*claims.Set, error) {
	var out []claims.Attribute
	for _, c := range of {
		values, _, all := e.values(c.Attribute)
		if !all || len(values) > maxClaimValues {
			return nil, wrong("the claim %s has more than %d values", c.name, maxClaimValues)
		}
		if len(values) == 0 {
			continue
		}
		a := claims.Attribute{Name: c.name, Type: c.Type}
		for _, v := range values {
			if err := add(&a, string(v)); err != nil {
				return nil, err
			}
		}
		out = append(out, a)
	}
	if len(out) == 0 {
		return nil, nil
	}
	set, err := claims.NewSet(out)
	if err != nil {
		return nil, wrong("claims: %v", err)
	}
	return set, nil
}

// typeNames are the names of claim types, as in token files.
var typeNames = map[claims.Type]string{claims.String: "string", claims.Int64: "int64", claims.Boolean: "boolean"}

// ParseClaim parses ATTRIBUTE or ATTRIBUTE:TYPE. TYPE is string (the default), int64 or boolean. An empty attribute or
// another type is an error.
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

// add converts text to the type of claim a and appends it. Booleans are TRUE and FALSE in capitals. Text of another
// form is an error for integers and Booleans, and a does not change. Values of other types are kept as strings.
func add(a *claims.Attribute, text string) error {
	switch a.Type {
	case claims.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return wrong("the claim %s is not a number", a.Name)
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
