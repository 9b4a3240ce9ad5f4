//go:build unix

package auditlog

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
)

// TestConcurrentFilesKeepTheirContents starts segments while checkpoints are replaced, like the writer and the notary,
// and checks that each file has its own contents.
func TestConcurrentFilesKeepTheirContents(t *testing.T) {
	d := folder{dir: t.TempDir()}
	signed := bytes.Repeat([]byte("signed\n"), 20)
	const n = 40
	var both sync.WaitGroup
	both.Go(func() {
		for range n {
			if err := closed(put(d, checkpointName, bytesOf(signed))); err != nil {
				t.Error(err)
			}
		}
	})
	both.Go(func() {
		for i := range uint64(n) {
			f, err := beginSegment(d, &header{first: i + 1, before: frontier{size: i}})
			if err != nil {
				t.Error(err)
				continue
			}
			_ = f.Close()
		}
	})
	both.Wait()
	for i := range uint64(n) {
		b, err := os.ReadFile(filepath.Join(d.dir, segmentName(i+1)))
		testcheck.RequireThat(t, err == nil && bytes.HasPrefix(b, []byte(magic)), "segment %d: %q, %v", i+1, b, err)
	}
	testcheck.ErrorIs(t, testcheck.Err(d.Create(checkpointName)), fs.ErrExist, "a second file of one name")
	disk := new(inject.Injector)
	disk.Fail(fs.ErrPermission, inject.OnIndex(0)) // the file may only be read
	testcheck.NoError(t, testcheck.Must(folder{d.dir, disk.Do}.Open(checkpointName)).Close())
	if b, err := os.ReadFile(filepath.Join(d.dir, checkpointName)); err != nil || !bytes.Equal(b, signed) {
		t.Errorf("checkpoint: %q, %v, want %q, nil", b, err, signed)
	}
}

// TestOverwrittenFileIsDurable checks that the overwritten first bytes of a file that was not durable survive a crash,
// whether or not the rest is truncated.
func TestOverwrittenFileIsDurable(t *testing.T) {
	for cut, want := range map[bool]string{false: "records and more", true: "records"} {
		d := newMemDisk(t, "")
		d.set("segment", nil)
		d.now["segment"].data = []byte("records and more")
		testcheck.NoError(t, closed(overwrite(d, "segment", int64(len("records")), cut)))
		testcheck.Equal(t, string(d.crash(lostAll).now["segment"].data), want, "cut %t: durable content", cut)
	}
}

// TestPartOfFileIsCopiedWhole checks that a part of a file is copied completely from its offset, however many reads
// that takes.
func TestPartOfFileIsCopiedWhole(t *testing.T) {
	d := newMemDisk(t, "")
	from := make([]byte, 3*chunk+100)
	for i := range from {
		from[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16)
	}
	d.set("from", from)
	f := testcheck.Must(d.Open("from"))
	defer func() { _ = f.Close() }()
	for _, size := range []int64{0, 1, chunk - 1, chunk, chunk + 1, 2*chunk + 5, 3*chunk + 9} {
		testcheck.NoError(t, closed(put(d, "to", partOf(f, 7, size))))
		if got := d.now["to"].data; string(got) != string(from[7:7+size]) {
			t.Errorf("%d bytes from 7 on: %d bytes, or others", size, len(got))
		}
	}
	testcheck.That(t, closed(put(d, "to", partOf(f, 7, 3*chunk+100))) != nil, "more than the file has is copied")
	d.Fail(syscall.ENOSPC, inject.Kind("syncdir")) // after the rename the error must not count as missing space only
	if err := closed(put(d, "to", bytesOf(nil))); err == nil || isFull(err) {
		t.Errorf("a name that is not durable: %v, want an error that is not of a full disk", err)
	}
	d.Fail(syscall.EIO, inject.Kind("close"))
	testcheck.ErrorIs(t, closed(put(d, "to", bytesOf(nil))), syscall.EIO, "a failed close")
}
