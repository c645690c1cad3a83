// Command sluice decides payments in real time.
package main

func main() {}
