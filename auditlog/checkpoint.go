package auditlog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// checkpointName is the file of the newest checkpoint.
const checkpointName = "checkpoint"

// maxNote bounds a signed checkpoint in bytes.
const maxNote = 64 << 10

// Checkpoint commits a log to all its records up to one of them. The zero value
// commits to no record.
type Checkpoint struct {
	Origin string // name of the log
	Size   uint64 // records; the RecordId of the last one
	Root   tlog.Hash
}

// text returns the three lines of a C2SP checkpoint: origin, size and root in base64, each ended by a newline.
func (c *Checkpoint) text() string {
	return c.Origin + "\n" + strconv.FormatUint(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

// parseCheckpoint parses the text of a checkpoint, without a signature. It accepts only the form that text returns.
// An empty origin, a size above 63 bits or an extension line is an error. The Checkpoint is zero after an error.
func parseCheckpoint(text string) (Checkpoint, error) {
	var c Checkpoint
	lines := strings.Split(text, "\n")
	if len(lines) > 4 && lines[0] != "" && lines[3] != "" {
		return c, fmt.Errorf("checkpoint: %d extension lines, this program knows none: use the release that wrote it",
			len(lines)-4)
	}
	if len(lines) != 4 || lines[0] == "" || lines[3] != "" {
		return c, errors.New("no checkpoint: want three lines, origin, size and root")
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return c, fmt.Errorf("checkpoint: size %q is not a number", lines[1])
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return c, fmt.Errorf("checkpoint: root %q is not the base64 of 32 bytes", lines[2])
	}
	c = Checkpoint{Origin: lines[0], Size: size, Root: tlog.Hash(root)}
	if c.text() != text {
		return c, errors.New("checkpoint: a number or the root is not in its canonical form")
	}
	return c, nil
}

// OpenCheckpoint verifies and parses a signed checkpoint. It must have a valid signature of at least one of the keys,
// so it fails without keys. OpenCheckpoint does not use the text before it has verified the signature. It refuses
// more than 64 KiB.
func OpenCheckpoint(signed []byte, keys ...note.Verifier) (Checkpoint, error) {
	if len(signed) > maxNote {
		return Checkpoint{}, errors.New("checkpoint: longer than any checkpoint")
	}
	n, err := note.Open(signed, note.VerifierList(keys...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	for _, sig := range n.Sigs {
		// Base64 has spare bits: a signature has one spelling here, so that no byte of a checkpoint can change unseen. Open
		// refuses the line breaks that Strict ignores.
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return Checkpoint{}, errors.New("checkpoint: a signature is not in its canonical form")
		}
	}
	return parseCheckpoint(n.Text)
}

// signCheckpoint returns the checkpoint as a signed note, with a signature of every signer.
func signCheckpoint(c *Checkpoint, signers []note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.text()}, signers...)
}
