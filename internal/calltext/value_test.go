package calltext

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// TestValuesWithNotationOfTheirOwn checks that pseudo handles are calls, that a mask has the names of its object's
// rights, that a named token has its name, and that a missing value is NULL or None.
func TestValuesWithNotationOfTheirOwn(t *testing.T) {
	known := new(kernel.AccessToken)
	p := &Printer{TokenNames: map[*kernel.AccessToken]string{known: "alice"}}
	for _, c := range []struct {
		value any
		want  string
	}{
		{winnt.Handle(0), "NULL"}, {winnt.Handle(8), "0x8"}, {winnt.NtCurrentProcess, "NtCurrentProcess()"},
		{winnt.NtCurrentEffectiveToken, "NtCurrentEffectiveToken()"}, {(*winnt.ObjectType)(nil), "None"},
		{winnt.FileObject, winnt.FileObject.Name}, {(*nt.PrivilegeSet)(nil), "None"}, {(*kernel.AccessToken)(nil), "None"},
		{known, "alice"}, {true, "True"}, {false, "False"}, {winnt.KEY_SET_VALUE, "KEY_SET_VALUE"},
		{[]access.ObjectTypeEntry{{}, {Level: 1}}, fmt.Sprintf("[(0, %[1]q), (1, %[1]q)]", winnt.GUID{})},
	} {
		check.Equal(t, p.Value(reflect.ValueOf(c.value), winnt.KeyObject), c.want, "%T", c.value)
	}
}
