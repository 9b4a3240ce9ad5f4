package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/server/lsa/admin"
)

// maxPassword is the size limit of an entered password, in bytes.
const maxPassword = 4096

// readPassword reads a password: two entries without echo from a terminal, or else one line. The terminal's mode is
// restored, also before a signal such as that of Ctrl-C ends the program. An empty entry, two different entries, and
// more than maxPassword bytes are errors.
func readPassword(in *os.File, prompt io.Writer) (admin.Password, error) {
	lines := bufio.NewReader(io.LimitReader(in, 2*(maxPassword+2))) // two entries with their line ends
	old, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS)
	if err != nil { // in is no terminal
		return line(lines)
	}
	unseen := *old
	unseen.Lflag &^= unix.ECHO
	unseen.Lflag |= unix.ICANON | unix.ISIG
	if err := unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, &unseen); err != nil {
		return "", fmt.Errorf("terminal: %w", err)
	}
	restore := func() { _ = unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, old) }
	defer restore()
	defer restoreBefore(restore, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP)()
	var got [2]admin.Password
	for i, text := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(prompt, text)
		if got[i], err = line(lines); err != nil {
			return "", err
		}
		fmt.Fprintln(prompt)
	}
	if got[0] != got[1] {
		return "", errors.New("the two passwords differ: the account is unchanged")
	}
	return got[0], nil
}

// restoreBefore calls restore when one of the signals arrives, and then lets the signal end the program. The returned
// function stops the handling of these signals.
func restoreBefore(restore func(), signals ...os.Signal) (end func()) {
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, signals...)
	go func() {
		if s, ok := <-arrived; ok {
			restore()
			signal.Reset(s)
			_ = unix.Kill(os.Getpid(), s.(unix.Signal)) // the default action now ends this process
		}
	}()
	return func() {
		signal.Stop(arrived)
		close(arrived)
	}
}

// line returns the next line without its end. An empty line and one above maxPassword are errors, and so is the end of
// the input. The last line needs no newline.
func line(r *bufio.Reader) (admin.Password, error) {
	text, err := r.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("password: %w", err)
	}
	switch text = strings.TrimRight(text, "\r\n"); {
	case text == "":
		return "", errors.New("password: the input is empty")
	case len(text) > maxPassword: // never cut it: the first bytes would be another password
		return "", fmt.Errorf("password: it has more than %d bytes", maxPassword)
	}
	return admin.Password(text), nil
}
