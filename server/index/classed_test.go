package index

import (
	"testing"

	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestClassParts checks that each number of a class affects its ID, and that the relevant part of a
// descriptor without a DACL does not have one either (N-1).
func TestClassParts(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	seen := map[string]string{}
	for name, change := range map[string]func(*winnt.ObjectType, *winnt.AccessMask){
		"as it is":  func(*winnt.ObjectType, *winnt.AccessMask) {},
		"the mask":  func(_ *winnt.ObjectType, m *winnt.AccessMask) { *m = winnt.FILE_WRITE_DATA },
		"read":      func(o *winnt.ObjectType, _ *winnt.AccessMask) { o.Mapping.Read ^= 1 << 8 },
		"write":     func(o *winnt.ObjectType, _ *winnt.AccessMask) { o.Mapping.Write ^= 1 << 8 },
		"execute":   func(o *winnt.ObjectType, _ *winnt.AccessMask) { o.Mapping.Execute ^= 1 << 8 },
		"all":       func(o *winnt.ObjectType, _ *winnt.AccessMask) { o.Mapping.All ^= 1 << 8 },
		"the valid": func(o *winnt.ObjectType, _ *winnt.AccessMask) { o.Valid ^= 1 << 8 },
	} {
		o, mask := *winnt.FileObject, winnt.FILE_READ_DATA
		change(&o, &mask)
		id := NewClass(d, nil, "read", mask, &o).ID
		if other, known := seen[id]; known {
			t.Errorf("N-1: %s names the class of %s", name, other)
		}
		seen[id] = name
	}
	if Relevant(sddl.MustParse("O:BAG:SY")).HasDACL() || !Relevant(d).HasDACL() {
		t.Error("N-1: Relevant adds or removes the DACL, want its presence unchanged")
	}
}
