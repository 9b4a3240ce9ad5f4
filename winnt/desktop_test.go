package winnt_test

import (
	"testing"

	"github.com/refmon/refmon/winnt"
)

// The generic mappings of desktops and window stations are the sums that
// "Desktop Security and Access Rights" and "Window Station Security and Access
// Rights" list, by the names of the rights.
func TestDesktopAndWindowStation(t *testing.T) {
	const readControl, required = 0x20000, 0xF0000 // STANDARD_RIGHTS_READ and the like; STANDARD_RIGHTS_REQUIRED
	for _, c := range []struct {
		name                 string
		read, write, execute []string
	}{
		{"desktop", []string{"DESKTOP_ENUMERATE", "DESKTOP_READOBJECTS"},
			[]string{"DESKTOP_CREATEMENU", "DESKTOP_CREATEWINDOW", "DESKTOP_HOOKCONTROL", "DESKTOP_JOURNALPLAYBACK",
				"DESKTOP_JOURNALRECORD", "DESKTOP_WRITEOBJECTS"}, []string{"DESKTOP_SWITCHDESKTOP"}},
		{"windowStation", []string{"WINSTA_ENUMDESKTOPS", "WINSTA_ENUMERATE", "WINSTA_READATTRIBUTES", "WINSTA_READSCREEN"},
			[]string{"WINSTA_ACCESSCLIPBOARD", "WINSTA_CREATEDESKTOP", "WINSTA_WRITEATTRIBUTES"},
			[]string{"WINSTA_ACCESSGLOBALATOMS", "WINSTA_EXITWINDOWS"}},
	} {
		typ := winnt.ObjectTypeByName(c.name)
		if typ == nil {
			t.Errorf("no type %s", c.name)
			continue
		}
		bits, all := map[string]winnt.AccessMask{}, winnt.AccessMask(0)
		for _, r := range typ.Rights {
			bits[r.Name] = r.Mask
			all |= r.Mask
		}
		sum := func(names []string) winnt.AccessMask {
			m := winnt.AccessMask(readControl)
			for _, n := range names {
				if bits[n] == 0 {
					t.Errorf("%s has no right %s", c.name, n)
				}
				m |= bits[n]
			}
			return m
		}
		want := winnt.GenericMapping{Read: sum(c.read), Write: sum(c.write), Execute: sum(c.execute), All: required | all}
		if typ.Mapping != want || typ.Valid != want.All {
			t.Errorf("%s maps to %x and has %x, want %x", c.name, typ.Mapping, typ.Valid, want)
		}
	}
}
