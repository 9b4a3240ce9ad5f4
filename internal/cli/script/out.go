package script

import (
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// toValue converts an out parameter to a value of the program. object is the object type of the parameter, or nil. A
// nil pointer, a type without a notation and a descriptor that SDDL cannot express become None. An ACL becomes the
// SDDL of a descriptor with that DACL. A secret is "***".
func (r *Runner) toValue(f reflect.Value, object *winnt.ObjectType) starlark.Value {
	switch x := f.Interface().(type) {
	case nil:
		return starlark.None
	case ntstatus.Status:
		return statusValue(x)
	case win32.Code:
		return codeValue(x)
	case winnt.SecurityImpersonationLevel:
		return levelValue(x)
	case winnt.TokenType:
		return typeValue(x)
	case winnt.SIDNameUse:
		return useValue(x)
	case logon.Secret: // a secret is only ever shown as *** (L-1)
		return starlark.String(x.String())
	case sid.SID:
		return starlark.String(x.String())
	case winnt.Handle:
		return starlark.MakeInt64(int64(x))
	case winnt.LUID:
		return starlark.MakeUint64(uint64(x))
	case []byte:
		return starlark.String(x)
	case token.Group:
		return starlarkstruct.FromStringDict(starlark.String("group"), starlark.StringDict{
			"Sid": starlark.String(x.SID.String()), "Attributes": starlark.MakeUint64(uint64(x.Attributes))})
	case nt.LUIDAndAttributes:
		return starlarkstruct.FromStringDict(starlark.String("privilege"), starlark.StringDict{
			"Luid": starlark.MakeUint64(uint64(x.LUID)), "Name": starlark.String(calltext.PrivilegeName(x.LUID)),
			"Attributes": starlark.MakeUint64(uint64(x.Attributes))})
	case *nt.PrivilegeSet:
		if x == nil {
			return starlark.None
		}
		return r.toValue(reflect.ValueOf(x.Privilege), nil)
	case *kernel.AccessToken:
		if x == nil {
			return starlark.None
		}
		return &objectValue{x, calltext.TokenName(x, r.names[x])}
	case kernel.Object:
		return &refValue{x}
	case *sd.Descriptor:
		text, err := sddl.Format(x, sddl.Options{})
		if err != nil {
			return starlark.None
		}
		return starlark.String(text)
	case *sd.ACL:
		if x == nil {
			return starlark.None
		}
		return r.toValue(reflect.ValueOf(sd.New(sd.Parts{Control: sd.DACLPresent, DACL: x})), nil)
	}
	if v, ok := r.tokenOut(f.Interface()); ok {
		return v
	}
	return r.toPlain(f, object)
}

// toPlain converts a result to a value of the program by its Go kind. Structures have the documented field names;
// unexported fields are omitted. 64-bit values keep all digits. A nil slice becomes an empty list. A nil pointer and
// a kind that scripts cannot use become None.
func (r *Runner) toPlain(f reflect.Value, object *winnt.ObjectType) starlark.Value {
	switch f.Kind() {
	case reflect.Pointer:
		switch {
		case f.IsNil():
		case calltext.Opaque[f.Type()] != "":
			return &opaqueValue{f}
		case f.Type() == reflect.TypeFor[*nt.PipePeekBuffer]():
			return r.toPlain(f.Elem(), nil)
		}
	case reflect.Interface:
		return r.toValue(f.Elem(), object)
	case reflect.Bool:
		return starlark.Bool(f.Bool())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return starlark.MakeUint64(f.Uint())
	case reflect.Int64, reflect.Int32, reflect.Int:
		return starlark.MakeInt64(f.Int())
	case reflect.String:
		return starlark.String(f.String())
	case reflect.Slice:
		list := make([]starlark.Value, f.Len())
		for i := range list {
			list[i] = r.toValue(f.Index(i), object)
		}
		return starlark.NewList(list)
	case reflect.Struct:
		fields := starlark.StringDict{}
		for _, p := range calltext.Parameters(f.Type()) {
			if f.FieldByIndex(p.Index).CanInterface() {
				fields[p.Name] = r.toValue(f.FieldByIndex(p.Index), p.Object)
			}
		}
		return starlarkstruct.FromStringDict(starlark.String(f.Type().Name()), fields)
	}
	return starlark.None
}
