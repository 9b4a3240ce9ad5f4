package auditlog

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/refmon/refmon/internal/diskio"
)

const (
	lockName   = "lock"
	keyName    = "key"
	publicName = "key.pub"
)

// CreateKey creates an Ed25519 key with a name such as host.example/audit. It writes the key to a file that only its
// owner can read, and the public half to file.pub, which it overwrites. It fails if file exists, and for a name that is
// empty or has blanks or a plus sign. An existing public half is overwritten even if the key cannot be written
// afterwards.
func CreateKey(file, name string) (note.Signer, error) {
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, fmt.Errorf("make the key of an audit log: %w", err)
	}
	s, err := note.NewSigner(private)
	if err != nil { // GenerateKey does not check the name, NewSigner does
		return nil, fmt.Errorf("the name of an audit log's key, %q: want a name without blanks and +, such as "+
			"host.example/audit", name)
	}
	if _, err := os.Lstat(file); err == nil {
		return nil, fmt.Errorf("write the key of an audit log: %w", &fs.PathError{Op: "create", Path: file, Err: fs.ErrExist})
	}
	// The public half comes first, so that a key file never exists without it.
	if err := writeKey(file+".pub", public, 0o644); err != nil {
		return nil, err
	}
	if err := writeKey(file, private, 0o600); err != nil {
		return nil, err
	}
	return s, nil
}

// writeKey writes content and a newline to a file and syncs it. It replaces an existing file. After an error the file
// is the old one or the new one.
func writeKey(file, content string, mode fs.FileMode) error {
	if err := diskio.Faults(nil).Replace(file, []byte(content+"\n"), mode); err != nil {
		return fmt.Errorf("write the key of an audit log: %w", err)
	}
	return nil
}

// maxKeys is the size limit of a file of keys in bytes. A key has about 100.
const maxKeys = 1 << 20

// readKeys reads a file of keys. A file larger than maxKeys, or without an end, is an error.
func readKeys(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, maxKeys+1))
	if err == nil && len(b) > maxKeys {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxKeys)
	}
	return b, err
}

// LoadKey reads a key from [CreateKey]. It refuses a key that others can read, except on Windows. The error matches
// [fs.ErrNotExist] if the file is missing. A malformed key is an error.
func LoadKey(file string) (note.Signer, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read the key of an audit log: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("the key %s can be read by others: chmod 600 it", file)
	}
	b, err := readKeys(file)
	if err != nil {
		return nil, fmt.Errorf("read the key of an audit log: %w", err)
	}
	s, err := note.NewSigner(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, fmt.Errorf("the key %s: %w", file, err)
	}
	return s, nil
}

// ReadPublicKey reads the public halves of keys, one per line, in the form name+id+base64 of c2sp.org/signed-note. It
// fails for an empty file or an invalid line. It never returns an empty list without an error.
func ReadPublicKey(file string) ([]note.Verifier, error) {
	b, err := readKeys(file)
	if err != nil {
		return nil, fmt.Errorf("read the public key of an audit log: %w", err)
	}
	var keys []note.Verifier
	for line := range strings.SplitSeq(strings.TrimSpace(string(b)), "\n") {
		v, err := note.NewVerifier(strings.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("the public key in %s: %w: give the key's .pub file", file, err)
		}
		keys = append(keys, v)
	}
	return keys, nil
}

// Bounds of a run of an external signer.
const (
	signTimeout = 10 * time.Second
	signLinger  = 100 * time.Millisecond // after its end, for a program that it started and that holds its output
)

// command is a signer that runs a program which has the private key.
type command struct {
	note.Verifier
	args []string
}

// CommandSigner returns a signer that runs a program, so that the key need not be on the host of the log. The program
// gets the text on standard input and prints the Ed25519 signature in base64. public is the public half of the key,
// and args are the program and its arguments. CommandSigner fails if public is invalid or args is empty; it does not
// run the program. Signing fails after ten seconds, or if the signature is not valid.
func CommandSigner(public string, args ...string) (note.Signer, error) {
	v, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("external signer: %w", err)
	}
	if len(args) == 0 {
		return nil, errors.New("external signer: no program given")
	}
	return command{v, args}, nil
}

// Sign runs the program with the text on standard input, and returns the signature that it prints after checking it. It
// blocks for at most ten seconds. A program that fails, and a signature that does not verify, are errors.
func (c command) Sign(text []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), signTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Stdin, cmd.WaitDelay = bytes.NewReader(text), signLinger
	out, err := cmd.Output()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return nil, fmt.Errorf("external signer %s: %w", c.args[0], err)
	}
	sig, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(out)))
	if err != nil || !c.Verify(text, sig) {
		return nil, fmt.Errorf("external signer %s: its output is not a signature of key %s", c.args[0], c.Name())
	}
	return sig, nil
}
