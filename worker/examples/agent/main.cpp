// main() alone: the tests of the service link the rest.
#include "agent.hpp"

int main(int argc, char** argv) { return agent::make_app().run(argc, argv); }
