package main

import "fmt"

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Say what is wrong with a configuration, and where."`
	Print configPrintCmd `cmd:"" help:"Print the configuration with every key and what it means."`
}

type configCheckCmd struct {
	File string `arg:"" help:"The configuration."`
}

// Run reads a configuration as serve does.
func (c configCheckCmd) Run(std *streams) error {
	cfg, err := load(c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%s: well formed; files at %s, console at %s\n", c.File, cfg.Files, cfg.Console)
	return err
}

type configPrintCmd struct{}

// Run prints what is shipped.
func (configPrintCmd) Run(std *streams) error {
	_, err := std.out.Write(shipped)
	return err
}
