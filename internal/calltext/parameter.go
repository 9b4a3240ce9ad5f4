package calltext

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// Parameter describes one parameter of a service.
type Parameter struct {
	Name   string
	Index  []int // of the field
	Type   reflect.Type
	Object *winnt.ObjectType // of a mask
	Preset uint64            // value when it is left out
	Empty  bool              // left out, it is an empty OBJECT_ATTRIBUTES
	Zero   bool              // transcripts omit the value 0
	Must   bool              // it cannot be left out
}

// Parameters returns the fields of an In or Out structure in their order, with their documented names. Fields with
// the tag param "-" are left out.
func Parameters(t reflect.Type) []Parameter {
	var list []Parameter
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("param")
		switch name {
		case "-":
			continue
		case "":
			name = f.Name
		}
		p := Parameter{Name: name, Index: f.Index, Type: f.Type, Object: winnt.ObjectTypeByName(f.Tag.Get("object"))}
		p.Preset, _ = strconv.ParseUint(f.Tag.Get("default"), 10, 64)
		p.Empty, p.Zero = f.Tag.Get("default") == "empty", f.Tag.Get("transcript") == "omitzero"
		p.Must = mustBeGiven(f)
		list = append(list, p)
	}
	return list
}

// mustBeGiven reports whether a program must pass a parameter: a field with the tag required, or a reference to an
// object unless the documents allow NULL.
func mustBeGiven(f reflect.StructField) bool {
	switch f.Tag.Get("required") {
	case "true":
		return true
	case "false":
		return false
	}
	return references[f.Type]
}

// references are the parameter types that refer to kernel objects.
var references = map[reflect.Type]bool{
	kernel.ThreadType: true, kernel.TokenType: true, kernel.ProcessType: true, kernel.RoutineType: true,
	kernel.ObjectType:                        true,
	reflect.TypeFor[*kernel.ClientContext](): true, reflect.TypeFor[*kernel.SubjectContext](): true,
	reflect.TypeFor[*kernel.SavedState](): true, reflect.TypeFor[*kernel.AccessState](): true,
}

// Signature returns the name and parameters of a service, such as "NtClose(Handle)".
func Signature(row *nt.Row) string {
	return row.Info().Name + "(" + strings.Join(InNames(row), ", ") + ")"
}

// InNames returns the documented names of a service's input parameters, nil for a service without any.
func InNames(row *nt.Row) []string { return names(row.InType()) }

// OutNames returns the names of a call's results: status and output parameters. For a Win32 function the BOOL and the
// last error come first.
func OutNames(row *nt.Row) []string {
	first := []string{"status"}
	if win32.Table.Find(row.Info().Name) == row {
		first = []string{"result", "last_error", "status"}
	}
	return append(first, names(row.OutType())...)
}

// names returns the documented names of the parameters of t, in their order.
func names(t reflect.Type) []string {
	var list []string
	for _, p := range Parameters(t) {
		list = append(list, p.Name)
	}
	return list
}
