// Command guard runs an adapter and passes it one question at a time. If the adapter ends or does not answer in time,
// guard answers for it with an error, which is never right, and starts the adapter again. So a library that crashes on
// one question loses only that one.
//
//	guard [-limit 5s] COMMAND [ARGUMENT...]
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// maxLine is the longest line that is passed on, in either direction.
const maxLine = 4 << 20

// main runs the adapter that the arguments name. It exits with 1 after an error.
func main() {
	limit := flag.Duration("limit", 5*time.Second, "time limit of one answer; the first after a start gets 60s")
	flag.Parse()
	if err := run(flag.Args(), *limit); err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
		os.Exit(1)
	}
}

// run passes lines until standard input ends. If the adapter ends or exceeds the limit, run answers that line with an
// error and starts the adapter again for the next line. It fails if the command is empty or cannot be started.
func run(command []string, limit time.Duration) error {
	if len(command) == 0 {
		return fmt.Errorf("name the adapter's command")
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, maxLine)
	var a *adapter
	defer func() { a.stop() }()
	for in.Scan() {
		wait := limit
		if a == nil {
			var err error
			if a, err = start(command); err != nil {
				return err
			}
			wait = max(limit, time.Minute)
		}
		answer, failure := a.ask(in.Bytes(), wait)
		if failure != "" {
			a.stop()
			a = nil
			var q struct{ ID string }
			if err := json.Unmarshal(in.Bytes(), &q); err != nil {
				return err
			}
			text, err := json.Marshal(map[string]string{"id": q.ID, "error": "other: " + failure})
			if err != nil {
				return err
			}
			answer = text
		}
		if _, err := os.Stdout.Write(append(answer, '\n')); err != nil {
			return err
		}
	}
	return in.Err()
}

// adapter is a running adapter. answers is closed when it ends.
type adapter struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan []byte
}

// start starts the command in its own process group and reads its lines in a goroutine. a.answers closes when the
// output ends or a line is longer than maxLine. command must not be empty. If the command does not start, it returns
// nil and the error.
func start(command []string) (*adapter, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	a := &adapter{cmd: cmd, in: in, answers: make(chan []byte, 1)}
	go func() {
		defer close(a.answers)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			a.answers <- append([]byte(nil), lines.Bytes()...)
		}
	}()
	return a, nil
}

// ask returns the adapter's next line, or says how it failed.
func (a *adapter) ask(question []byte, limit time.Duration) (answer []byte, failure string) {
	if _, err := a.in.Write(append(question, '\n')); err != nil {
		return nil, "the implementation crashed"
	}
	select {
	case answer, ok := <-a.answers:
		if !ok {
			return nil, "the implementation crashed"
		}
		return answer, ""
	case <-time.After(limit):
		return nil, "the implementation did not return"
	}
}

// stop ends the adapter and the programs that it started. nil is not an adapter.
func (a *adapter) stop() {
	if a == nil {
		return
	}
	a.in.Close()
	syscall.Kill(-a.cmd.Process.Pid, syscall.SIGKILL) // it may have ended already
	for range a.answers {
	}
	a.cmd.Wait() // its exit code says nothing that the missing answer did not say
}
