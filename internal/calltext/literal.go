package calltext

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/claims"
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

// Opaque maps types to the documented names of structures that one routine fills and another consumes: a client or
// subject context, a saved impersonation, an access state.
var Opaque = map[reflect.Type]string{
	reflect.TypeFor[*kernel.ClientContext]():  "SECURITY_CLIENT_CONTEXT",
	reflect.TypeFor[*kernel.SubjectContext](): "SECURITY_SUBJECT_CONTEXT",
	reflect.TypeFor[*kernel.SavedState]():     "SE_IMPERSONATION_STATE",
	reflect.TypeFor[*kernel.AccessState]():    "ACCESS_STATE",
}

// ClaimTypes maps claim types to their names in programs and transcripts.
var ClaimTypes = map[claims.Type]string{
	claims.Int64: "int64", claims.Uint64: "uint64", claims.String: "string", claims.SID: "sid",
	claims.Boolean: "boolean", claims.Octets: "octets",
}

const none = "None"

// literal returns a value in Starlark syntax. SIDs, bytes and descriptors in SDDL are quoted. Handles and LUIDs are
// numbers, and objects are names. A secret is "***". Nil and values without a form in programs are "None".
func (p *Printer) literal(f reflect.Value, object *winnt.ObjectType) string {
	switch x := f.Interface().(type) {
	case nil:
		return none
	case ntstatus.Status, win32.Code, winnt.SecurityImpersonationLevel, winnt.TokenType, winnt.SIDNameUse:
		return x.(fmt.Stringer).String()
	case logon.Secret: // a secret is only ever shown as *** (L-1)
		return strconv.Quote(x.String())
	case sid.SID:
		return strconv.Quote(x.String())
	case winnt.Handle:
		return strconv.FormatInt(int64(x), 10)
	case winnt.LUID:
		return strconv.FormatUint(uint64(x), 10)
	case []byte:
		return strconv.Quote(string(x))
	case token.Group:
		return fmt.Sprintf("group(Attributes = %d, Sid = %q)", x.Attributes, x.SID)
	case nt.LUIDAndAttributes:
		return fmt.Sprintf("privilege(Attributes = %d, Luid = %d, Name = %q)", x.Attributes, uint64(x.LUID),
			PrivilegeName(x.LUID))
	case claims.Attribute:
		return claimLiteral(&x)
	case *kernel.AccessToken:
		if x == nil {
			return none
		}
		return TokenName(x, p.TokenNames[x])
	case kernel.Object:
		return x.Head().Type().Name + " object"
	case *sd.Descriptor:
		text, err := sddl.Format(x, sddl.Options{})
		if err != nil {
			return none
		}
		return strconv.Quote(text)
	}
	return p.plainLiteral(f, object)
}

// plainLiteral returns the Starlark syntax of a number, string, boolean, list or structure, with the fields of a
// structure sorted. A nil pointer and an unknown kind are None. An opaque type prints its fixed text. A structure's
// unexported fields are omitted.
func (p *Printer) plainLiteral(f reflect.Value, object *winnt.ObjectType) string {
	switch f.Kind() {
	case reflect.Pointer:
		switch {
		case f.IsNil():
		case Opaque[f.Type()] != "":
			return Opaque[f.Type()]
		case f.Type() == reflect.TypeFor[*nt.PipePeekBuffer]():
			return p.plainLiteral(f.Elem(), nil)
		}
	case reflect.Interface:
		if !f.IsNil() {
			return p.literal(f.Elem(), object)
		}
	case reflect.Bool:
		return boolLiteral(f.Bool())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(f.Uint(), 10)
	case reflect.Int64, reflect.Int32, reflect.Int:
		return strconv.FormatInt(f.Int(), 10)
	case reflect.String:
		return strconv.Quote(f.String())
	case reflect.Slice:
		list := make([]string, f.Len())
		for i := range list {
			list[i] = p.literal(f.Index(i), object)
		}
		return "[" + strings.Join(list, ", ") + "]"
	case reflect.Struct:
		var fields []string
		for _, of := range Parameters(f.Type()) {
			if x := f.FieldByIndex(of.Index); x.CanInterface() {
				fields = append(fields, of.Name+" = "+p.literal(x, of.Object))
			}
		}
		slices.Sort(fields)
		return f.Type().Name() + "(" + strings.Join(fields, ", ") + ")"
	}
	return none
}

// boolLiteral returns Starlark's True or False.
func boolLiteral(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// claimLiteral returns a claim as a Starlark expression. Octets are hexadecimal strings. A claim without values has
// an empty list.
func claimLiteral(a *claims.Attribute) string {
	var list []string
	for _, v := range a.Ints {
		list = append(list, strconv.FormatInt(v, 10))
	}
	for _, v := range a.Uints {
		if a.Type == claims.Boolean {
			list = append(list, boolLiteral(v != 0))
			continue
		}
		list = append(list, strconv.FormatUint(v, 10))
	}
	for _, v := range a.Strings {
		list = append(list, strconv.Quote(v))
	}
	for _, v := range a.SIDs {
		list = append(list, strconv.Quote(v.String()))
	}
	for _, v := range a.Octets {
		list = append(list, strconv.Quote(hex.EncodeToString(v)))
	}
	return fmt.Sprintf("claim(Flags = %d, Name = %q, ValueType = %q, Values = [%s])", a.Flags, a.Name,
		ClaimTypes[a.Type], strings.Join(list, ", "))
}
