package main

import (
	"fmt"

	"github.com/refmon/refmon/auditlog"
)

type auditKeyCmd struct {
	File string `arg:"" help:"The key to make; its public half goes to FILE.pub."`
	Name string `required:"" help:"The log's name, such as host.example/audit."`
}

// Help returns the long help of the verb.
func (auditKeyCmd) Help() string {
	return `Creates the Ed25519 key that signs a log's checkpoints, readable by its owner only. Keep it away from the
log, and FILE.pub where the log is verified:

  refmon audit key /etc/refmon/audit.key --name host.example/audit
  refmon run --audit DIR --audit-key /etc/refmon/audit.key PROGRAM`
}

// Run makes the key.
func (c *auditKeyCmd) Run(std *streams) error {
	s, err := auditlog.CreateKey(c.File, c.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%s signs as %s; verify with %s.pub\n", c.File, s.Name(), c.File)
	return err
}
