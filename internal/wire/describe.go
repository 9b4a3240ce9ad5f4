package wire

import (
	"fmt"
	"reflect"
)

// Description describes the protocol for authors of clients: each row with its fingerprint and the JSON of its
// parameters (docs/wire.md).
type Description struct {
	Version int                       `json:"version"`
	Structs map[string][][]any        `json:"structs"` // fields in their order: name, shape, default
	Any     map[string]any            `json:"any"`     // shapes of the values of any type
	Rows    map[string]RowDescription `json:"rows"`
}

// RowDescription describes one row: the shapes of its parameters.
type RowDescription struct {
	Fingerprint string `json:"fingerprint"`
	In          any    `json:"in"`
	Out         any    `json:"out"`
}

// Describe returns a new description of all rows. The caller may change it. It panics if two structures have the same
// name, which no caller can cause.
func Describe() *Description {
	d := &Description{Version, map[string][][]any{}, map[string]any{}, map[string]RowDescription{}}
	for _, t := range choices[1:] {
		d.Any[choiceName(t)] = d.flat(jsonOf(t).shape)
	}
	for _, r := range Rows() {
		d.Rows[r.Info().Name] = RowDescription{fmt.Sprint(r.Fingerprint), d.flat(r.jsonIn.shape), d.flat(r.jsonOut.shape)}
	}
	return d
}

// flat replaces structures within a parameter's JSON shape by their names and adds their fields to the description, so
// that each is described once. It returns the new shape; shape stays unchanged. It panics if two different structures
// have one name.
func (d *Description) flat(shape any) any {
	m, ok := shape.(map[string]any)
	if !ok {
		return shape
	}
	flat := map[string]any{}
	for k, v := range m {
		flat[k] = d.flat(v)
	}
	fields, ok := m["fields"].([][]any)
	if !ok {
		return flat
	}
	all := make([][]any, len(fields))
	for i, f := range fields {
		all[i] = append([]any{f[0], d.flat(f[1])}, f[2:]...)
	}
	name := m["struct"].(string)
	if known, there := d.Structs[name]; there && !reflect.DeepEqual(known, all) {
		panic("wire: two structures are called " + name)
	}
	d.Structs[name] = all
	return map[string]any{"struct": name}
}
