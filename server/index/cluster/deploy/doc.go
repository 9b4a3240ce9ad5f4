// Package deploy writes the files of each machine of an index on many machines, from one site file.
//
//	f, err := deploy.Read(text)        // the machines, and what each of them runs
//	p, err := deploy.Compare(f, "out") // what differs from an earlier run
//	err = p.Write()
//
// The folder has a subfolder for each machine: its configuration, its keys and its units. The subfolder keys has the
// secrets of the whole site. A later run keeps all keys and writes only files that differ.
package deploy
