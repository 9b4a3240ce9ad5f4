// Package screen reads descriptors from the text that Windows tools print on a screen: icacls, "Get-Acl | Format-List",
// "(Get-Acl).Sddl" and "accesschk -l". Text that lacks what a decision needs is an error that names a command with
// complete output.
package screen
