package hostfs

import (
	"fmt"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

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

// What users have left is told as theirs, and what root has besides is not (F-128). Other programs change both: it
// is compared while they stand still.
func TestVolumeOfUsers(t *testing.T) {
	w := newWorld(t)
	th := w.as(bob)
	h := w.open(th, "", winnt.FILE_READ_ATTRIBUTES, ntstatus.Success)
	for range 1000 {
		var before, after unix.Statfs_t
		w.must(unix.Statfs(w.root, &before))
		v, st := th.NtQueryVolumeInformationFile(h, nt.FileFsFullSizeInformation)
		w.want(st, ntstatus.Success)
		w.must(unix.Statfs(w.root, &after))
		if before.Bfree != after.Bfree || before.Bavail != after.Bavail {
			continue
		}
		if full, ok := v.(nt.FsFullSizeInformation); !ok || full.CallerAvailableAllocationUnits != int64(after.Bavail) ||
			full.ActualAvailableAllocationUnits != int64(after.Bfree) {
			t.Errorf("F-128: %+v, want %d and %d free units", v, after.Bavail, after.Bfree)
		}
		return
	}
	t.Skip("the file system did not stand still between two looks")
}
