// Landmarks of one face, given its box, with OpenCV alone (4.6 or newer).
// Make the network: fauxface export fauxface-s --out model.onnx --batch 1
// Build it: g++ -O2 landmarks.cpp -o landmarks -I/usr/include/opencv4 -lopencv_dnn -lopencv_imgcodecs -lopencv_imgproc -lopencv_core
// Run it: ./landmarks model.onnx photo.png 180 60 280 190 [roll in radians]      the box is left, top, right, bottom
#include <opencv2/dnn.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <cstdio>

const int SIZE = 160;          // input_size and crop_margin, from the file's metadata or model.yaml
const double MARGIN = 1.3;

int main(int count, char **given) {
    if (count < 7) return std::puts("usage: landmarks MODEL.onnx PHOTO LEFT TOP RIGHT BOTTOM [ROLL]"), 2;
    cv::Mat photo = cv::imread(given[2]), small, crop, input;
    if (photo.empty()) return std::puts("the photo cannot be read"), 2;
    double l = atof(given[3]), t = atof(given[4]), r = atof(given[5]), b = atof(given[6]), roll = count > 7 ? atof(given[7]) : 0;
    double side = MARGIN * std::max(r - l, b - t), scale = side / SIZE, c = scale * std::cos(roll), s = scale * std::sin(roll);
    double x0 = (l + r + 1 - SIZE * (c - s)) / 2, y0 = (t + b + 1 - SIZE * (c + s)) / 2;       // the square's first corner
    double half = (std::abs(c) + std::abs(s)) * SIZE / 2 + 2 * scale + 1, x = (l + r + 1) / 2, y = (t + b + 1) / 2;
    cv::Point first(std::max(0., std::floor(x - half)), std::max(0., std::floor(y - half)));
    cv::Rect part(first, cv::Point(std::min<double>(photo.cols, std::ceil(x + half)), std::min<double>(photo.rows, std::ceil(y + half))));
    double shrink = std::max(1., scale);
    cv::resize(photo(part), small, cv::Size(cvRound(part.width / shrink), cvRound(part.height / shrink)), 0, 0, cv::INTER_AREA);
    double rx = small.cols / double(part.width), ry = small.rows / double(part.height);
    cv::Matx23d crop_to_small(rx * c, -rx * s, rx * (x0 - first.x + (c - s) / 2) - 0.5,
                              ry * s, ry * c, ry * (y0 - first.y + (s + c) / 2) - 0.5);
    cv::warpAffine(small, crop, crop_to_small, cv::Size(SIZE, SIZE), cv::INTER_LINEAR | cv::WARP_INVERSE_MAP, cv::BORDER_REPLICATE);
    cv::cvtColor(crop, crop, cv::COLOR_BGR2RGB);
    crop.convertTo(input, CV_32F);
    cv::dnn::Net network = cv::dnn::readNetFromONNX(given[1]);
    network.setInput(input.reshape(1, std::vector<int>{1, SIZE, SIZE, 3}));
    cv::Mat found = network.forward("landmarks");
    for (int i = 0; i < found.size[1]; i++) {
        double u = found.ptr<float>(0, i)[0] + 0.5, v = found.ptr<float>(0, i)[1] + 0.5;
        std::printf("%.3f %.3f\n", x0 + c * u - s * v - 0.5, y0 + s * u + c * v - 0.5);
    }
}
