package main

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/auditlog"
)

// auditProveCmd holds the arguments and flags of refmon audit prove.
type auditProveCmd struct {
	Dir   string `arg:"" help:"The folder of the log."`
	ID    uint64 `arg:"" optional:"" help:"Prove that this record is in the log."`
	Since string `help:"Prove that the log continues this older checkpoint." placeholder:"CHECKPOINT"`
}

// Help returns the long text of --help for refmon audit prove.
func (auditProveCmd) Help() string {
	return `Writes a proof that anyone with the public key can check, without the log and without refmon's
packages:

  refmon audit prove DIR 17 >proof
  refmon-verify audit DIR/key.pub proof

  refmon audit prove DIR --since old >proof
  refmon-verify audit DIR/key.pub proof old

tools/verify.py takes the same arguments. A proof of a record contains the record.`
}

// Run prints the proof of one record, or that the log continues an old checkpoint. It wants exactly one of them.
// Nothing is printed after an error.
func (c *auditProveCmd) Run(std *streams) error {
	if (c.ID == 0) == (c.Since == "") {
		return errors.New("want the number of a record, or --since CHECKPOINT")
	}
	var proof []byte
	var err error
	if c.ID > 0 {
		proof, err = auditlog.ProveRecord(c.Dir, c.ID)
	} else {
		var old []byte
		if old, err = readBounded(openFile, c.Since, maxFile); err != nil {
			return fmt.Errorf("read the checkpoint: %w", err)
		}
		proof, err = auditlog.ProveSince(c.Dir, old)
	}
	if err != nil {
		return err
	}
	_, err = std.out.Write(proof)
	return err
}
