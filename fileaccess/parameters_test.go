package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
)

// An SMB server corrects options that a local open would reject (F-7).
func TestServerCorrectsOptions(t *testing.T) {
	sync := options(fileaccess.SynchronousIOAlert | fileaccess.SynchronousIONonalert)
	unbuffered := options(fileaccess.NoIntermediateBuffering)
	if d, _ := open(t, 1, smb, sync); d.Granted != 1 {
		t.Errorf("F-7: SMB open with both synchronous options: %v, granted %v; want granted 1", d.Status(), d.Granted)
	}
	d, _ := open(t, 1, sync)
	check.That(t, d.Rule == "F-10", "F-10: local open with both synchronous options: refused by %q, want F-10", d.Rule)
	if d, _ := open(t, 5, smb, unbuffered); d.Granted != 1 {
		t.Errorf("F-7: unbuffered SMB open for appending: %v, granted %v; want granted 1", d.Status(), d.Granted)
	}
	d, _ = open(t, 4, smb, unbuffered)
	check.That(t, d.Rule == "F-11", "F-7: unbuffered SMB open for appending only: refused by %q, want F-11", d.Rule)
	d, _ = open(t, 5, unbuffered)
	check.That(t, d.Rule == "F-10", "F-10: unbuffered local open for appending: refused by %q, want F-10", d.Rule)
}

// Each invalid parameter alone is an error. Hints are accepted (F-10).
func TestEachInvalidParameterIsError(t *testing.T) {
	for name, fault := range map[string]setup{
		"option":      options(0x01000000),
		"attribute":   asked(0x40),
		"disposition": disposition(6),
		"share":       func(s *situation) { s.r.Share = 8 },
		"sync":        options(fileaccess.SynchronousIOAlert),
		"directory":   func(s *situation) { options(fileaccess.DirectoryFile | fileaccess.NoIntermediateBuffering)(s) },
	} {
		if d, _ := open(t, 1, fault); d.Status() != invalid || d.Rule != "F-10" {
			t.Errorf("F-10: invalid %s: %v by %q, want %v by F-10", name, d.Status(), d.Rule, invalid)
		}
	}
	if d, _ := open(t, 0x100001, options(fileaccess.SynchronousIOAlert)); d.Granted != 0x100001 {
		t.Errorf("synchronous open with SYNCHRONIZE: %v, granted %v; want granted 0x100001", d.Status(), d.Granted)
	}
	d, _ := open(t, 1, options(0x804)) // hints for sequential and random access
	check.That(t, d.Granted == 1, "open with hints: %v, granted %v; want granted 1", d.Status(), d.Granted)
}
