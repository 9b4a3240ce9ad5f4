package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
)

// An SMB server corrects options that a local open would reject (F-7).
func TestServerCleansUp(t *testing.T) {
	sync := options(fileaccess.SynchronousIOAlert | fileaccess.SynchronousIONonalert)
	unbuffered := options(fileaccess.NoIntermediateBuffering)
	if d, _ := open(t, 1, smb, sync); d.Granted != 1 {
		t.Errorf("F-7: %+v, want d.Granted = 1", d)
	}
	if d, _ := open(t, 1, sync); d.Rule != "F-10" {
		t.Errorf(`F-10: %+v, want d.Rule = "F-10"`, d)
	}
	if d, _ := open(t, 5, smb, unbuffered); d.Granted != 1 {
		t.Errorf("F-7: %+v, want d.Granted = 1", d)
	}
	if d, _ := open(t, 4, smb, unbuffered); d.Rule != "F-11" {
		t.Errorf(`F-7, no right left: %+v, want d.Rule = "F-11"`, d)
	}
	if d, _ := open(t, 5, unbuffered); d.Rule != "F-10" {
		t.Errorf(`F-10: %+v, want d.Rule = "F-10"`, d)
	}
}

// Each invalid parameter alone is an error. Hints are accepted (F-10).
func TestInvalidParameters(t *testing.T) {
	for name, fault := range map[string]setup{
		"option":      options(0x01000000),
		"attribute":   asked(0x40),
		"disposition": disposition(6),
		"share":       func(s *situation) { s.r.Share = 8 },
		"sync":        options(fileaccess.SynchronousIOAlert),
		"directory":   func(s *situation) { options(fileaccess.DirectoryFile | fileaccess.NoIntermediateBuffering)(s) },
	} {
		if d, _ := open(t, 1, fault); d.Status() != invalid || d.Rule != "F-10" {
			t.Errorf(`F-10 %s: %+v, want d.Status() = %v, d.Rule = "F-10"`, name, d, invalid)
		}
	}
	if d, _ := open(t, 0x100001, options(fileaccess.SynchronousIOAlert)); d.Granted != 0x100001 {
		t.Errorf("with SYNCHRONIZE: %+v, want d.Granted = 0x100001", d)
	}
	if d, _ := open(t, 1, options(0x804)); d.Granted != 1 { // hints for sequential and random access
		t.Errorf("hints: %+v, want d.Granted = 1", d)
	}
}
