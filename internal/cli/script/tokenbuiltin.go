package script

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/token"
)

// token implements token: it returns a token value. The keywords are the fields of the token file. The first domain
// account also sets the domain of relative aliases. Unnamed arguments and unknown fields are errors. Values that a
// token file cannot have are errors.
func (r *Runner) token(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) > 0 {
		return nil, fmt.Errorf("token takes the fields of a token file by name: token(user=\"S-1-5-…\", groups=[\"DU\"])")
	}
	fields := map[string]any{}
	name := ""
	for _, kw := range kwargs {
		key := string(kw[0].(starlark.String))
		x, err := toJSON(kw[1])
		if err != nil {
			return nil, fmt.Errorf("token: %s: %w", key, err)
		}
		if key == "user" {
			name, _ = x.(string)
		}
		fields[key] = x
	}
	file, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	t, err := token.Parse(file)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	if r.domain.IsZero() && t.User().SID.SubAuthorities() == 5 && t.User().SID.Authority() == 5 {
		r.domain = t.User().SID.Prefix() // the first domain account names the domain of DU, DA, …
	}
	return &tokenValue{t, "token(" + name + ")", fields["defaultDacl"] != nil}, nil
}

// toJSON converts a program's value to one that encoding/json writes. None becomes null, and integers keep all
// digits. Other iterables become lists, also if empty. A level loses its prefix "Security". Values without a JSON
// form, and dict keys that are not strings, are errors.
func toJSON(v starlark.Value) (any, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.String:
		return string(v), nil
	case starlark.Int:
		return json.Number(v.String()), nil
	case named:
		return strings.TrimPrefix(v.name, "Security"), nil
	case *starlark.Dict:
		m := map[string]any{}
		for _, kv := range v.Items() {
			k, ok := starlark.AsString(kv[0])
			if !ok {
				return nil, fmt.Errorf("key %s: want a string", kv[0])
			}
			x, err := toJSON(kv[1])
			if err != nil {
				return nil, err
			}
			m[k] = x
		}
		return m, nil
	case starlark.Iterable:
		list := []any{}
		for e := range starlark.Elements(v) {
			x, err := toJSON(e)
			if err != nil {
				return nil, err
			}
			list = append(list, x)
		}
		return list, nil
	}
	return nil, fmt.Errorf("a %s has no JSON form", v.Type())
}

// tokenProfile implements token_profile: it returns a built-in token value by name: "administrator", "user", "system",
// "anonymous", "local service" or "network service". user replaces the SID of the first two.
func tokenProfile(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	user := "S-1-5-21-1-2-3-1001"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name, "user?", &user); err != nil {
		return nil, err
	}
	return profileToken(name, user)
}
