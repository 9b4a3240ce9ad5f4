package main

import (
	"fmt"
	"os"

	"github.com/refmon/refmon/auditlog"
)

// auditKeyCmd holds the arguments and flags of refmon audit key.
type auditKeyCmd struct {
	File string `arg:"" help:"The file for the new key; FILE.pub gets the public key."`
	Name string `required:"" help:"The log's name, such as host.example/audit." placeholder:"NAME"`
}

// Help returns the long text of --help for refmon audit key.
func (auditKeyCmd) Help() string {
	return `Creates the Ed25519 key that signs a log's checkpoints. Only its owner can read the file. Store it apart from
the log, and store FILE.pub on the machine that verifies the log:

  refmon audit key /etc/refmon/audit.key --name host.example/audit
  refmon run --audit DIR --audit-key /etc/refmon/audit.key PROGRAM`
}

// Run creates a signing key in a file, and its public key next to it, and prints its name. It is an error if one of the
// files exists.
func (c *auditKeyCmd) Run(std *streams) error {
	public := c.File + ".pub"
	if _, err := os.Lstat(public); err == nil { // it may be the only copy that verifies a log
		return fmt.Errorf("%s exists: choose another file, or remove it", public)
	}
	s, err := auditlog.CreateKey(c.File, c.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%s signs as %s; verify with %s.pub\n", c.File, s.Name(), c.File)
	return err
}
