package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/cli/trail"
)

type auditVerifyCmd struct {
	Dir        string   `arg:"" help:"The folder of the log."`
	Checkpoint []string `help:"A checkpoint kept elsewhere: its records must still be there." placeholder:"FILE"`
	Key        []string `help:"The public key to trust; without it the one beside the log." placeholder:"FILE"`
	From       uint64   `help:"Begin with the segment of this record."`
	To         uint64   `help:"End at the first checkpoint that covers this record."`
}

// Help returns the long help of the verb.
func (auditVerifyCmd) Help() string {
	return `Computes the Merkle tree of all records that are kept and compares it with the stored hashes, with
the log's signed checkpoint and with checkpoints that you kept elsewhere. A checkpoint that left the
machine proves that nothing before it was cut off or written anew: copy DIR/checkpoint away.

The exit code is 0 if the log is as it was written, 3 if it is not, 2 if it could not be read.`
}

// Run verifies the log.
func (c *auditVerifyCmd) Run(std *streams) error {
	v := auditlog.Verification{Dir: c.Dir, From: c.From, To: c.To}
	for _, name := range c.Checkpoint {
		b, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read the checkpoint: %w", err)
		}
		v.Anchors = append(v.Anchors, b)
	}
	for _, name := range c.Key {
		keys, err := auditlog.ReadPublicKey(name)
		if err != nil {
			return err
		}
		v.Keys = append(v.Keys, keys...)
	}
	out, err := auditlog.Verify(v)
	var fault *auditlog.Fault
	if errors.As(err, &fault) {
		fmt.Fprintf(std.out, "BROKEN: %s\n", printable(fault.Error()))
		return errBroken
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(std.out, trail.Verified(out, len(c.Checkpoint)))
	return err
}
