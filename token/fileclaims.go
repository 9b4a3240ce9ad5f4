package token

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sid"
)

// claimList parses a JSON array of claims of a token file, [{"name":…,"type":…,"values":[…]}], and appends them
// to out. More than MaxGroups claims are an error.
func (r *fileReader) claimList(out *[]rawClaim) error {
	return r.Array(MaxGroups, func(int) error {
		*out = append(*out, rawClaim{})
		return r.claim(&(*out)[len(*out)-1])
	})
}

// claim parses one claim, a JSON object, into c. Its values may precede its type. A missing name, type or list of
// values is an error.
func (r *fileReader) claim(c *rawClaim) error {
	r.Peek()
	start, values := r.Pos, 0
	var seen [4]bool
	err := r.fields(claimFields, func(i int) (err error) {
		seen[i] = true
		switch i {
		case 0:
			c.Name, err = r.Text()
		case 1:
			var t uint32
			t, err = r.oneOf(claimTypes)
			c.Type = claims.Type(t)
		// The type determines how values are parsed. If it follows them, they are skipped first and parsed later, so
		// that fields may have any order.
		case 2:
			values = r.Pos
			if c.Type == 0 { // the type follows: parse the values after it
				return r.skipValues()
			}
			err = r.values(c)
		case 3:
			var v uint64
			v, err = r.Unsigned(32)
			c.Flags = uint32(v)
		}
		return err
	})
	if err != nil {
		return err
	}
	end := r.Pos
	for i, name := range claimFields[:3] {
		if !seen[i] {
			return strict.Within(name, r.FailAt(start, "missing"))
		}
	}
	// Nothing was read yet: the type is known now.
	if c.Len() == 0 && len(c.sids) == 0 {
		r.Pos = values
		if err := r.values(c); err != nil {
			return strict.Within("values", err)
		}
		r.Pos = end
	}
	return nil
}

// skipValues skips a claim's array of values, which are strings, booleans and numbers. It is for a claim whose type
// is not known yet.
func (r *fileReader) skipValues() error {
	return r.Array(claims.MaxValues, func(int) error {
		switch c := r.Peek(); {
		case c == '"':
			_, err := r.Text()
			return err
		case c == 't' || c == 'f':
			_, err := r.Boolean()
			return err
		}
		_, err := r.Number()
		return err
	})
}

// values parses a claim's array of values, which must have the claim's type, into c. It stores SIDs as text, because
// an alias needs the domain, and the field domain may follow.
func (r *fileReader) values(c *rawClaim) error {
	return r.Array(claims.MaxValues, func(int) error {
		switch c.Type {
		case claims.Int64:
			v, err := r.signed()
			c.Ints = append(c.Ints, v)
			return err
		case claims.Uint64:
			v, err := r.Unsigned(64)
			c.Uints = append(c.Uints, v)
			return err
		case claims.Boolean:
			return r.truth(c)
		case claims.String:
			v, err := r.Text()
			c.Strings = append(c.Strings, v)
			return err
		// A SID may be an alias such as DU, which means nothing before the domain is known.
		case claims.SID:
			var l loc
			err := r.loc("", &l)
			c.sids = append(c.sids, l)
			return err
		}
		return r.octets(c)
	})
}

// truth parses one value of a boolean claim into c: true, false, or 0 or 1 as in the binary form of a claim
// ([MS-DTYP] section 2.4.10.1).
func (r *fileReader) truth(c *rawClaim) error {
	if b := r.Peek(); b == '0' || b == '1' {
		v, err := r.Unsigned(1)
		c.Uints = append(c.Uints, v)
		return err
	}
	v, err := r.Boolean()
	n := uint64(0)
	if v {
		n = 1
	}
	c.Uints = append(c.Uints, n)
	return err
}

// octets parses one value of an octets claim into c: a string of hexadecimal digits. An odd number of digits is an
// error.
func (r *fileReader) octets(c *rawClaim) error {
	v, err := r.hexText()
	if err != nil {
		return err
	}
	c.Octets = append(c.Octets, []byte(v))
	return nil
}

// resolveClaims converts the parsed claims to the claim sets of the spec, once the domain for their SIDs is known. If
// a list of restricted claims is absent, the restricted pass sees all claims; if it is empty, the pass sees none
// (T-67).
func (r *fileReader) resolveClaims(domain sid.SID) error {
	// NewSet validates names, types and sizes. Its error is reported at the field.
	for _, l := range []struct {
		name string
		raw  *[]rawClaim
		out  **claims.Set
	}{{"userClaims", given(&r.userClaims), &r.spec.UserClaims},
		{"deviceClaims", given(&r.deviceClaims), &r.spec.DeviceClaims},
		{"localAttributes", given(&r.local), &r.spec.LocalAttributes},
		{"restrictedUserClaims", r.restrictedUser, &r.spec.RestrictedUserClaims},
		{"restrictedDeviceClaims", r.restrictedDeviceClaims, &r.spec.RestrictedDeviceClaims}} {
		if l.raw == nil {
			continue
		}
		attrs := make([]claims.Attribute, len(*l.raw))
		for i, c := range *l.raw {
			for j, v := range c.sids {
				s, err := resolveSID(v, domain)
				if err != nil {
					return strict.Within(fmt.Sprintf("%s[%d].values[%d]", l.name, i, j), err)
				}
				c.SIDs = append(c.SIDs, s)
			}
			attrs[i] = c.Attribute
		}
		set, err := claims.NewSet(attrs)
		if err != nil {
			return &strict.Error{Path: l.name, Problem: err.Error(), Err: err}
		}
		*l.out = set
	}
	return nil
}

// given returns nil for an empty list of claims, which means the same as an absent one, else the list.
func given(list *[]rawClaim) *[]rawClaim {
	if len(*list) == 0 {
		return nil
	}
	return list
}

// hexText parses a string of hexadecimal digits and returns the bytes as a string. The error has the position of the
// string.
func (r *fileReader) hexText() (string, error) {
	r.Peek()
	at := r.Pos
	s, err := r.Text()
	if err != nil {
		return "", err
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return "", r.FailAt(at, "want an even number of hexadecimal digits")
	}
	return string(b), nil
}

// fileClaim is a claim in the JSON form of a token file.
type fileClaim struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Values []any  `json:"values"`
	Flags  uint32 `json:"flags,omitempty"`
}

// claimFile returns the claims of a set in the JSON form of a token file, or nil for none. Numbers beyond maxExact are
// strings.
func claimFile(set *claims.Set) []fileClaim {
	var out []fileClaim
	for _, a := range set.All() {
		c := fileClaim{Name: a.Name, Type: nameOf(claimTypes, uint32(a.Type)), Flags: a.Flags, Values: []any{}}
		for _, v := range a.Ints {
			c.Values = append(c.Values, exact(v))
		}
		for _, v := range a.Uints {
			if a.Type == claims.Boolean {
				c.Values = append(c.Values, v != 0)
			} else if v > maxExact {
				c.Values = append(c.Values, strconv.FormatUint(v, 10))
			} else {
				c.Values = append(c.Values, v)
			}
		}
		for _, v := range a.Strings {
			c.Values = append(c.Values, v)
		}
		for _, v := range a.SIDs {
			c.Values = append(c.Values, v.String())
		}
		for _, v := range a.Octets {
			c.Values = append(c.Values, hex.EncodeToString(v))
		}
		out = append(out, c)
	}
	return out
}
