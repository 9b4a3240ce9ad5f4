package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// typical returns an open as a file server sees it: a user of twenty SIDs, a
// descriptor of ten entries the last of which decides, two directories on the
// way, a share.
func typical(t testing.TB, desired winnt.AccessMask) (*fileaccess.Request, *fileaccess.Facts) {
	spec := baseSpec()
	for i := range uint32(16) {
		spec.Groups = append(spec.Groups, token.Group{SID: domain.WithRID(5000 + i), Attributes: enabled})
	}
	var list []sd.ACE
	for i := range uint32(10) {
		who := domain.WithRID(900000 + i)
		if i == 9 {
			who = caseG
		}
		a, err := sd.NewACE(sd.AccessAllowed, 0, winnt.FILE_ALL_ACCESS, who)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	l, err := sd.NewACL(list...)
	if err != nil {
		t.Fatal(err)
	}
	d := sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: l})
	f := &fileaccess.Facts{
		Path: []fileaccess.Component{{Name: "a", Descriptor: d, Exists: true, IsDirectory: true},
			{Name: "b", Descriptor: d, Exists: true, IsDirectory: true}},
		Parent: &fileaccess.Directory{Name: "b", Descriptor: d},
		Object: fileaccess.Object{Exists: true, Attributes: normal, Descriptor: d},
		Share:  &fileaccess.Share{Maximal: 0x1301BF},
	}
	r := &fileaccess.Request{Subject: access.SubjectOf(mustToken(t, spec)), Desired: desired,
		Disposition: fileaccess.FileOpen, Share: 7, Face: fileaccess.SMB, Name: `a\b\report.docx`}
	return r, f
}

var benchDecision fileaccess.Decision

func BenchmarkOpen(b *testing.B) {
	for _, c := range []struct {
		name    string
		desired winnt.AccessMask
		more    func(*fileaccess.Request, *fileaccess.Facts)
	}{
		{"read", winnt.GENERIC_READ, nil},
		{"native", 1, func(r *fileaccess.Request, f *fileaccess.Facts) { r.Face, f.Path = fileaccess.Native, nil }},
		{"maximum", maxAllowed, nil},
		{"maximal", winnt.GENERIC_READ, func(r *fileaccess.Request, _ *fileaccess.Facts) { r.Maximal = true }},
		{"share", winnt.GENERIC_READ, func(_ *fileaccess.Request, f *fileaccess.Facts) {
			f.Share = &fileaccess.Share{Descriptor: f.Object.Descriptor}
		}},
		{"traverse", winnt.GENERIC_READ, func(_ *fileaccess.Request,
			f *fileaccess.Facts) {
			f.Policy.Traverse = fileaccess.TraverseAlways
		}},
		{"overwrite", winnt.GENERIC_WRITE, func(r *fileaccess.Request,
			_ *fileaccess.Facts) {
			r.Disposition = fileaccess.FileOverwriteIf
		}},
		{"create", winnt.GENERIC_WRITE, func(r *fileaccess.Request, f *fileaccess.Facts) {
			r.Disposition, f.Object = fileaccess.FileCreate, fileaccess.Object{}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, f := typical(b, c.desired)
			if c.more != nil {
				c.more(r, f)
			}
			b.ReportAllocs()
			for b.Loop() {
				benchDecision = fileaccess.Open(r, f)
			}
			if !benchDecision.Allowed() {
				b.Fatalf("%+v", benchDecision)
			}
		})
	}
}

func BenchmarkOpenDenied(b *testing.B) {
	r, f := typical(b, winnt.GENERIC_READ|winnt.DELETE)
	f.Object.Descriptor = aces(b, "(A;;FR;;;WD)")
	f.Parent.Descriptor = f.Object.Descriptor
	b.ReportAllocs()
	for b.Loop() {
		benchDecision = fileaccess.Open(r, f)
	}
	if benchDecision.Allowed() {
		b.Fatal("granted")
	}
}

func BenchmarkExplain(b *testing.B) {
	r, f := typical(b, winnt.GENERIC_READ)
	b.ReportAllocs()
	for b.Loop() {
		benchDecision, _ = fileaccess.Explain(r, f)
	}
}

func BenchmarkCan(b *testing.B) {
	r, f := typical(b, 0)
	for _, c := range []struct {
		name string
		d    *sd.Descriptor
	}{{"all", f.Object.Descriptor}, {"some", aces(b, "(A;;FR;;;WD)")}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var m winnt.AccessMask
			for b.Loop() {
				m |= fileaccess.Can(&r.Subject, c.d, winnt.FILE_ALL_ACCESS, nil)
			}
			benchDecision.Granted = m
		})
	}
}

func BenchmarkVisibleEntries(b *testing.B) {
	r, f := typical(b, 0)
	entries := make([]*sd.Descriptor, 10000)
	for i := range entries {
		entries[i] = f.Object.Descriptor
	}
	viewers := []fileaccess.Viewer{{Subject: r.Subject, Share: 0x1F01FF}}
	b.ReportAllocs()
	for b.Loop() {
		fileaccess.VisibleEntries(entries, viewers, nil)
	}
}

// A granted open of what exists, and a denied one, allocate nothing.
func TestOpenAllocatesNothing(t *testing.T) {
	for name, change := range map[string]func(*fileaccess.Request, *fileaccess.Facts){
		"read":      func(*fileaccess.Request, *fileaccess.Facts) {},
		"denied":    func(_ *fileaccess.Request, f *fileaccess.Facts) { f.Object.Descriptor = aces(t, "(A;;1;;;WD)") },
		"maximum":   func(r *fileaccess.Request, _ *fileaccess.Facts) { r.Desired = maxAllowed },
		"maximal":   func(r *fileaccess.Request, _ *fileaccess.Facts) { r.Maximal = true },
		"overwrite": func(r *fileaccess.Request, _ *fileaccess.Facts) { r.Disposition = fileaccess.FileOverwriteIf },
		"traverse":  func(_ *fileaccess.Request, f *fileaccess.Facts) { f.Policy.Traverse = fileaccess.TraverseAlways },
		"share": func(_ *fileaccess.Request, f *fileaccess.Facts) {
			f.Share = &fileaccess.Share{Descriptor: f.Object.Descriptor}
		},
	} {
		r, f := typical(t, winnt.GENERIC_READ)
		change(r, f)
		if n := testing.AllocsPerRun(100, func() { benchDecision = fileaccess.Open(r, f) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// The request itself stays on its caller's stack.
func TestRequestStaysOnTheStack(t *testing.T) {
	r, f := typical(t, winnt.GENERIC_READ)
	n := testing.AllocsPerRun(100, func() {
		req := fileaccess.Request{Subject: r.Subject, Desired: winnt.GENERIC_READ, Disposition: fileaccess.FileOpen,
			Share: 7, Name: "f"}
		facts := fileaccess.Facts{Parent: f.Parent, Object: f.Object}
		d := fileaccess.Open(&req, &facts)
		benchDecision.Granted = d.Granted
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
