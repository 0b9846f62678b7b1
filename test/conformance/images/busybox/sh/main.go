// Command sh becomes busybox's shell, as the suite's image has it: specs compare its error messages word by word. The
// busybox of Debian 12 drops environment variables whose names no shell can use (`data-1`), later ones keep them, and
// other specs look for those in `env`: when there are such names it becomes bash, which keeps them.
package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
)

var usable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func main() {
	shell := "/usr/bin/busybox"
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); !usable.MatchString(name) {
			shell = "/bin/bash-static"
		}
	}
	if err := syscall.Exec(shell, os.Args, os.Environ()); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s: %v\n", os.Args[0], shell, err)
		os.Exit(127)
	}
}
