// Command nnp is installed setuid root. It prints the user whose rights it got; the suite's specs on
// allowPrivilegeEscalation read that line.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("Effective uid:", os.Geteuid())
}
