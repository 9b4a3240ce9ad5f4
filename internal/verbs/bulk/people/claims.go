package people

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/token"
)

// claims reads the claims of a user: the list of a token file, or a mapping
// from names to a value or values, whose type is that of the first.
func (r *roster) claims(v any) (*claims.Set, error) {
	if v == nil {
		return nil, nil
	}
	if m, ok := v.(map[string]any); ok {
		list, err := claimList(m)
		if err != nil {
			return nil, err
		}
		v = list
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	t, err := token.Parse([]byte(`{"user":"S-1-0-0","userClaims":` + string(raw) + `}`))
	if err != nil {
		return nil, err
	}
	return t.UserClaims(), nil
}

// claimList turns {"Department":"Engineering","Projects":["a","b"]} into the
// list of a token file, ordered by name.
func claimList(m map[string]any) ([]map[string]any, error) {
	out := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		values, ok := m[name].([]any)
		if !ok {
			values = []any{m[name]}
		}
		if len(values) == 0 {
			continue
		}
		typ, err := claimType(values[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, map[string]any{"name": name, "type": typ, "values": values})
	}
	return out, nil
}

func claimType(v any) (string, error) {
	switch v.(type) {
	case string:
		return "string", nil
	case bool:
		return "boolean", nil
	case json.Number, int, int64, uint64:
		return "int64", nil
	}
	return "", fmt.Errorf("want a string, a whole number, true or false, or a list of one of these; found %v", v)
}
