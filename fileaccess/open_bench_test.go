package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

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
				b.Fatalf("Open denies, want a grant: %+v", benchDecision)
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
		b.Fatal("Open grants, want a denial")
	}
}

func BenchmarkExplain(b *testing.B) {
	r, f := typical(b, winnt.GENERIC_READ)
	b.ReportAllocs()
	for b.Loop() {
		benchDecision, _ = fileaccess.Explain(r, f)
	}
}

// A granted or denied open of an existing object allocates nothing.
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
		check.Equal(t, testing.AllocsPerRun(100, func() { benchDecision = fileaccess.Open(r, f) }), 0,
			"Open, %s: allocations", name)
	}
}

// A request in a variable of the caller is not moved to the heap.
func TestRequestStaysOnTheStack(t *testing.T) {
	r, f := typical(t, winnt.GENERIC_READ)
	n := testing.AllocsPerRun(100, func() {
		req := fileaccess.Request{Subject: r.Subject, Desired: winnt.GENERIC_READ, Disposition: fileaccess.FileOpen,
			Share: 7, Name: "f"}
		facts := fileaccess.Facts{Parent: f.Parent, Object: f.Object}
		d := fileaccess.Open(&req, &facts)
		benchDecision.Granted = d.Granted
	})
	check.Equal(t, n, 0, "Open with a local request: allocations")
}

// An open with two encoded descriptors needs few allocations.
func TestSMBOpenAllocatesAtMostEightTimes(t *testing.T) {
	s, dir, file := smbWorld(t)
	if got := testing.AllocsPerRun(100, func() {
		s.open("a", dir, file, winnt.FILE_READ_DATA, fileaccess.FileOpen, 0)
	}); got > 8 {
		t.Errorf("SMB open: %.0f allocations, want at most 8", got)
	}
}

func BenchmarkSMBOpen(b *testing.B) {
	s, dir, file := smbWorld(b)
	b.ReportAllocs()
	for b.Loop() {
		s.open("a", dir, file, winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA, fileaccess.FileOpen, 0)
	}
}

func BenchmarkSMBCreate(b *testing.B) {
	s, dir, _ := smbWorld(b)
	b.ReportAllocs()
	for b.Loop() {
		s.open("a", dir, nil, winnt.GENERIC_ALL, fileaccess.FileCreate, 0)
	}
}
