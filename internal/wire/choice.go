package wire

import (
	"fmt"
	"reflect"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// choices are the types that a parameter of any type can hold. The index is the number on the wire, and 0 is nil.
// Append new types at the end.
var choices = []reflect.Type{
	nil,
	reflect.TypeFor[bool](),
	reflect.TypeFor[uint32](),
	reflect.TypeFor[uint64](),
	reflect.TypeFor[int64](),
	reflect.TypeFor[string](),
	reflect.TypeFor[sid.SID](),
	reflect.TypeFor[*sd.ACL](),
	reflect.TypeFor[*sd.Descriptor](),
	reflect.TypeFor[winnt.LUID](),
	reflect.TypeFor[winnt.Handle](),
	reflect.TypeFor[winnt.AccessMask](),
	reflect.TypeFor[winnt.TokenType](),
	reflect.TypeFor[winnt.SecurityImpersonationLevel](),
	reflect.TypeFor[token.Group](),
	reflect.TypeFor[[]token.Group](),
	reflect.TypeFor[[]nt.LUIDAndAttributes](),
	reflect.TypeFor[[]claims.Attribute](),
	reflect.TypeFor[[]token.AttributeChange](),
	reflect.TypeFor[token.Source](),
	reflect.TypeFor[nt.TokenGroupsAndPrivileges](),
	reflect.TypeFor[nt.TokenAccessInformation](),
	reflect.TypeFor[nt.TokenBnoIsolation](),
	reflect.TypeFor[nt.HandleFlagInformation](),
	reflect.TypeFor[nt.TokenStatistics](),
	reflect.TypeFor[nt.BasicInformation](),
	reflect.TypeFor[nt.TypeInformation](),
	reflect.TypeFor[[]nt.TypeInformation](),
	reflect.TypeFor[[]byte](),
	reflect.TypeFor[[30]byte](),
	reflect.TypeFor[nt.PipeInformation](),
	reflect.TypeFor[nt.PipeLocalInformation](),
	reflect.TypeFor[nt.AccessInformation](),
	reflect.TypeFor[nt.NameInformation](),
	reflect.TypeFor[nt.AlignmentInformation](),
	reflect.TypeFor[nt.CompletionInformation](),
	reflect.TypeFor[nt.ProcessBasic](),
	reflect.TypeFor[nt.KernelUserTimes](),
	reflect.TypeFor[[]nt.ProcessHandle](),
	reflect.TypeFor[nt.ThreadBasic](),
	reflect.TypeFor[nt.FileBasic](),
	reflect.TypeFor[nt.FileStandard](),
	reflect.TypeFor[nt.FileInternal](),
	reflect.TypeFor[nt.FilePosition](),
	reflect.TypeFor[nt.FileEndOfFile](),
	reflect.TypeFor[nt.FileDisposition](),
	reflect.TypeFor[nt.FileRename](),
	reflect.TypeFor[nt.FsDeviceInformation](),
	reflect.TypeFor[nt.FsSizeInformation](),
	reflect.TypeFor[nt.FsFullSizeInformation](),
}

// choice returns the codec of a parameter whose type is an empty interface. The encoding is the index of the value's
// type in choices, then the value; nil is index 0. Encoding a value of another type is an error. An interface with
// methods panics.
func choice(t reflect.Type) *codec {
	if t.NumMethod() != 0 {
		panic("wire: no codec for " + t.String())
	}
	numbers := map[reflect.Type]int{}
	made := make([]*codec, len(choices))
	form := "any("
	for i, c := range choices[1:] {
		numbers[c] = i + 1
		made[i+1] = codecLocked(c)
		form += made[i+1].form + ";"
	}
	return &codec{form + ")", 1, func(b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(b, 0), nil
		}
		n, ok := numbers[v.Elem().Type()]
		if !ok {
			return nil, fmt.Errorf("%w: a %s does not travel", ErrValue, v.Elem().Type())
		}
		return made[n].put(append(b, byte(n)), v.Elem())
	}, func(r *reader, v reflect.Value) {
		n := r.number(1)
		switch {
		case n == 0:
		case n >= uint64(len(choices)):
			r.fail("choice %d, want 0 to %d", n, len(choices)-1)
		default:
			e := reflect.New(choices[n]).Elem()
			made[n].get(r, e)
			v.Set(e)
		}
	}}
}
