package hostfs

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The size of a volume is that of the file system by stat(1); less is free, and
// users have no more of it than root (F-128).
func TestVolume(t *testing.T) {
	w := newWorld(t)
	text, err := exec.Command("stat", "-f", "-c", "%b %S", w.root).Output()
	if err != nil {
		t.Skipf("stat: %v", err)
	}
	var blocks, size int64
	if _, err := fmt.Sscan(string(text), &blocks, &size); err != nil {
		t.Fatal(err)
	}
	th := w.as(bob)
	h := w.open(th, "", winnt.FILE_READ_ATTRIBUTES, ntstatus.Success)
	v, st := th.NtQueryVolumeInformationFile(h, nt.FileFsFullSizeInformation)
	full, ok := v.(nt.FsFullSizeInformation)
	if w.want(st, ntstatus.Success); !ok || full.TotalAllocationUnits != blocks || full.BytesPerSector != 512 ||
		int64(full.SectorsPerAllocationUnit)*512 != size || full.CallerAvailableAllocationUnits <= 0 ||
		full.CallerAvailableAllocationUnits > full.ActualAvailableAllocationUnits ||
		full.ActualAvailableAllocationUnits >= full.TotalAllocationUnits {
		t.Errorf("%+v, want %d units of %d bytes", v, blocks, size)
	}
	v, st = th.NtQueryVolumeInformationFile(h, nt.FileFsSizeInformation)
	short, ok := v.(nt.FsSizeInformation)
	if w.want(st, ntstatus.Success); !ok || short.TotalAllocationUnits != blocks || short.BytesPerSector != 512 ||
		short.AvailableAllocationUnits <= 0 || short.AvailableAllocationUnits > blocks {
		t.Errorf("%+v, want %d units", v, blocks)
	}
	v, st = th.NtQueryVolumeInformationFile(h, nt.FileFsDeviceInformation)
	if w.want(st, ntstatus.Success); v != (nt.FsDeviceInformation{DeviceType: winnt.FILE_DEVICE_DISK}) {
		t.Errorf("%+v is no disk", v)
	}
	w.want(th.NtClose(h), ntstatus.Success)
}
