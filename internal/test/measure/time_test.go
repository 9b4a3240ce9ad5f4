package main

import (
	"bytes"
	"testing"
	"time"
)

func TestTimeIsDividedByKindOfWorkAndPackage(t *testing.T) {
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const ours = "github.com/refmon/refmon/sid"
	var out bytes.Buffer
	divide([]action{
		{Mode: "build", Package: "fmt", CmdUser: 2 * time.Second, CmdSys: time.Second},
		{Mode: "build", Package: "golang.org/x/sys/unix", CmdUser: 4 * time.Second},
		{Mode: "build", Package: ours, CmdUser: 5 * time.Second},
		{Mode: "build", Package: ours + " [" + ours + ".test]", CmdUser: 3 * time.Second},
		{Mode: "build", Package: ours + "_test [" + ours + ".test]", CmdUser: 2 * time.Second},
		{Mode: "build", Package: ours + ".test", CmdUser: time.Second},
		{Mode: "vet", Package: ours, CmdUser: 7 * time.Second},
		{Mode: "link", Package: ours + ".test", CmdUser: 8 * time.Second},
		{Mode: "test run", Package: ours, TimeStart: begun, TimeDone: begun.Add(1500 * time.Millisecond)},
		{Mode: "test run", Package: "quick", TimeStart: begun, TimeDone: begun.Add(time.Millisecond)},
	}, "/tree/sid "+ours+"\n", "2500000000 /tree/sid\n").print(&out, 20*time.Second, 40*time.Second)
	const want = `compile standard library       3.0 core-seconds
compile libraries              4.0 core-seconds
compile ours                  11.0 core-seconds
vet                            7.0 core-seconds
link                           8.0 core-seconds
run                            2.5 core-seconds
the go command                 4.5 core-seconds
all                           40.0 core-seconds
from start to end             20.0 s

 compile     vet    link     run run's s  core-seconds of, and seconds
    11.0     7.0     8.0     2.5     1.5  github.com/refmon/refmon/sid
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestTimeMeasuresATestProgram(t *testing.T) {
	file := t.TempDir() + "/runs"
	if status := execTest([]string{file, "sh", "-c", "exit 3"}); status != 3 {
		t.Errorf("exit status %d, want 3", status)
	}
	if status := execTest([]string{file, "no such program"}); status == 0 {
		t.Error("a program that does not start has exit status 0, want at least 1")
	}
}
