package mount

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMapped: a page that a program wrote to a shared mapping reaches the file after the
// program has ended, when only a handle for appending is left beside it (M-4).
func TestMapped(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;0x120084;;;"+user(bob)+")")
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 to map a file with: ", err)
	}
	appends := w.opens(bob, "f", unix.O_WRONLY|unix.O_APPEND)
	w.sees(alice, "", "python3", "-c", `
import mmap, os
fd = os.open("f", os.O_RDWR)
m = mmap.mmap(fd, 10)
m[2:5] = b"abc"
`)
	fd, err := unix.Open(w.at, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	w.must(err)
	w.must(unix.Syncfs(fd))
	w.must(unix.Close(fd))
	if b, err := os.ReadFile(filepath.Join(w.root, "f")); err != nil || string(b) != "01abc56789" {
		t.Errorf("M-4: %q, %v", b, err)
	}
	w.m.leave(appends)
}

// TestPrograms: git, a build with Go and fio work in the mount for a user with full
// control.
func TestPrograms(t *testing.T) {
	w := newWorld(t)
	w.dir("all", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	line := func(name, want, script string) {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(name); err != nil {
				t.Skip(err)
			}
			if got, err := w.run(0, "sh", "-ec", "cd all; "+script); err != nil || got != want {
				t.Errorf("%s: %q, %v; want %q", script, got, err, want)
			}
		})
	}
	line("git", "two\nclean", `
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
git init -q origin && cd origin
git config user.email a@example.org && git config user.name a
echo one > f && mkdir d && cp f d/g && git add . && git commit -q -m one
echo two > f && git commit -q -a -m two && git gc -q
cd .. && git clone -q origin copy && cd copy && cat f && git fsck --no-progress
test -z "$(git status --porcelain)" && echo clean`)
	line("go", "built", `
mkdir p && cd p && printf 'module p\ngo 1.26\n' > go.mod
printf 'package main\nfunc main() { println("built") }\n' > main.go
go build -o p . && ./p 2>&1`)
	line("fio", "", `
check="--bs=4k --verify=crc32c --verify_fatal=1 --output=/dev/null"
fio --name=verify --rw=randrw --size=4m --ioengine=psync $check
fio --name=map --rw=randwrite --size=2m --ioengine=mmap $check`)
	line("rsync", "same", `
mkdir from && echo text > from/f && rsync -rt from/ to/ && diff -r from to && echo same`)
}
