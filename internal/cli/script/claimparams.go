package script

import (
	"encoding/hex"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/calltext"
)

// claims converts a list of claims: dicts in the form of a token file, names, or results of a query. None is NULL.
func (r *Runner) claims(v starlark.Value) ([]claims.Attribute, error) { return listOf(v, r.claim) }

// claim converts a name, a dict or a claim that a query returned to a claim. The name is required. Without a type the
// values are ignored. An unknown key is an error, and an unknown type name leaves the type 0. After an error the
// claim may be partly set.
func (r *Runner) claim(v starlark.Value) (a claims.Attribute, err error) {
	fields := map[string]starlark.Value{}
	switch x := v.(type) {
	case starlark.String:
		return claims.Attribute{Name: string(x)}, nil
	case *starlark.Dict:
		if fields, err = dictFields(x, "name", "type", "flags", "values"); err != nil {
			return a, err
		}
	case *starlarkstruct.Struct:
		for _, field := range [][2]string{{"Name", "name"}, {"ValueType", "type"}, {"Flags", "flags"},
			{"Values", "values"}} {
			if fields[field[1]], err = x.Attr(field[0]); err != nil {
				return a, err
			}
		}
	default:
		return a, fmt.Errorf("want a claim such as {\"name\": …, \"type\": \"string\", \"values\": […]}, got %s",
			v.Type())
	}
	if fields["name"] == nil {
		return a, fmt.Errorf("a claim needs a name")
	}
	if a.Name, err = goString(fields["name"]); err != nil {
		return a, err
	}
	if f := fields["flags"]; f != nil {
		if a.Flags, err = uint32Value(f); err != nil {
			return a, err
		}
	}
	if fields["type"] == nil {
		return a, nil
	}
	name, err := goString(fields["type"])
	if err != nil {
		return a, err
	}
	for k, n := range calltext.ClaimTypes {
		if strings.EqualFold(n, name) {
			a.Type = k
		}
	}
	if fields["values"] == nil {
		return a, nil
	}
	// In return a, r.claimValues(&a, …) Go may read a before the call, so the call is a statement of its own.
	err = r.claimValues(&a, fields["values"])
	return a, err
}

// claimValues sets the values of a from a list, in the form that a.Type needs. Octets are hexadecimal. Any value is a
// boolean by its truth. An unknown or missing type is an error. An error may leave a partly set.
func (r *Runner) claimValues(a *claims.Attribute, v starlark.Value) (err error) {
	switch a.Type {
	case claims.Int64:
		a.Ints, err = listOf(v, handle)
	case claims.Uint64:
		a.Uints, err = listOf(v, number)
	case claims.Boolean:
		a.Uints, err = listOf(v, func(v starlark.Value) (uint64, error) {
			if v.Truth() {
				return 1, nil
			}
			return 0, nil
		})
	case claims.String:
		a.Strings, err = listOf(v, goString)
	case claims.SID:
		a.SIDs, err = listOf(v, r.sidText)
	case claims.Octets:
		a.Octets, err = listOf(v, func(v starlark.Value) ([]byte, error) {
			s, err := goString(v)
			if err != nil {
				return nil, err
			}
			return hex.DecodeString(s)
		})
	default:
		return fmt.Errorf("claim %s: want a type such as int64, uint64, string, sid, boolean or octets", a.Name)
	}
	return err
}

// claimList returns the values of a as a Starlark list, in the forms that claimValues reads; empty if there are
// none.
func (r *Runner) claimList(a claims.Attribute) starlark.Value {
	var list []starlark.Value
	for _, v := range a.Ints {
		list = append(list, starlark.MakeInt64(v))
	}
	for _, v := range a.Uints {
		if a.Type == claims.Boolean {
			list = append(list, starlark.Bool(v != 0))
			continue
		}
		list = append(list, starlark.MakeUint64(v))
	}
	for _, v := range a.Strings {
		list = append(list, starlark.String(v))
	}
	for _, v := range a.SIDs {
		list = append(list, starlark.String(v.String()))
	}
	for _, v := range a.Octets {
		list = append(list, starlark.String(hex.EncodeToString(v)))
	}
	return starlark.NewList(list)
}
