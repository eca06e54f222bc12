reeve::App make_app();                                               // shop.hpp
int main(int argc, char** argv) { return make_app().run(argc, argv); }  // main.cpp
